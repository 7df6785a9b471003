//! Writes a pattern for PostgreSQL.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use std::fmt::Write as _;

/// Returns the number of characters, classes and anchors in a pattern after expanding its repetitions.
pub(super) fn size(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty => 0,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(class) => match class {
            Class::Unicode(class) => class.ranges().len(),
            Class::Bytes(class) => class.ranges().len(),
        },
        HirKind::Look(_) => 1,
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(repetition.min).max(1);
            size(&repetition.sub).max(1).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        HirKind::Capture(capture) => size(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().map(size).fold(0, usize::saturating_add),
    }
}

/// Writes a pattern. Greediness is dropped, because it changes where a match ends but not whether there is one.
pub(super) fn write_hir(pattern: &Hir, out: &mut String) -> Result<(), String> {
    match pattern.kind() {
        HirKind::Empty => out.push_str("(?:)"),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).map_err(|_| not_text_error())?;
            text.chars().for_each(|character| write_character(character, out));
        }
        HirKind::Class(class) => write_class(class, out)?,
        HirKind::Look(Look::Start) => out.push('^'),
        HirKind::Look(Look::End) => out.push('$'),
        HirKind::Look(_) => return Err("the pattern uses a line or word boundary".to_owned()),
        HirKind::Repetition(repetition) => write_repetition(repetition, out)?,
        HirKind::Capture(capture) => write_group(&capture.sub, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                match part.kind() {
                    HirKind::Alternation(_) => write_group(part, out)?,
                    _ => write_hir(part, out)?,
                }
            }
        }
        HirKind::Alternation(parts) => {
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    out.push('|');
                }
                write_hir(part, out)?;
            }
        }
    }
    Ok(())
}

fn write_group(pattern: &Hir, out: &mut String) -> Result<(), String> {
    out.push_str("(?:");
    if !matches!(pattern.kind(), HirKind::Empty) {
        write_hir(pattern, out)?;
    }
    out.push(')');
    Ok(())
}

fn write_repetition(repetition: &Repetition, out: &mut String) -> Result<(), String> {
    match repetition.sub.kind() {
        HirKind::Class(class @ Class::Unicode(_)) => write_class(class, out)?,
        HirKind::Literal(literal) if std::str::from_utf8(&literal.0).is_ok_and(|text| text.chars().count() == 1) => {
            write_hir(&repetition.sub, out)?;
        }
        HirKind::Capture(capture) => write_group(&capture.sub, out)?,
        _ => write_group(&repetition.sub, out)?,
    }
    match (repetition.min, repetition.max) {
        (0, None) => out.push('*'),
        (1, None) => out.push('+'),
        (0, Some(1)) => out.push('?'),
        // Writing to a string does not fail.
        (least, None) => _ = write!(out, "{{{least},}}"),
        (least, Some(most)) if least == most => _ = write!(out, "{{{least}}}"),
        (least, Some(most)) => _ = write!(out, "{{{least},{most}}}"),
    }
    Ok(())
}

/// Writes a class as ranges; a class that includes the last character is written negated.
fn write_class(class: &Class, out: &mut String) -> Result<(), String> {
    let Class::Unicode(class) = class else { return Err(not_text_error()) };
    let (Some(first), Some(last)) = (class.ranges().first(), class.ranges().last()) else {
        return Err("the pattern has a class without characters".to_owned());
    };
    let is_everything = class.ranges().len() == 1 && first.start() <= '\u{1}';
    let negated = last.end() == char::MAX && !is_everything;
    let mut class = class.clone();
    if negated {
        class.negate();
    }
    out.push_str(if negated { "[^" } else { "[" });
    for range in class.ranges() {
        // Texts cannot contain U+0000, and PostgreSQL's patterns cannot express it.
        let (start, end) = (range.start().max('\u{1}'), range.end());
        if end < start {
            continue;
        }
        write_character(start, out);
        if end > start {
            out.push('-');
            write_character(end, out);
        }
    }
    out.push(']');
    Ok(())
}

/// Writes a character that represents itself, inside and outside classes.
fn write_character(character: char, out: &mut String) {
    if character.is_ascii_alphanumeric() || character == '_' {
        out.push(character);
    } else if character.is_ascii_graphic() && !matches!(character, '<' | '>') {
        out.push('\\');
        out.push(character);
    } else if character == ' ' {
        out.push(character);
    } else {
        // Writing to a string does not fail.
        let number = u32::from(character);
        let _ = if number > 0xFFFF { write!(out, "\\U{number:08X}") } else { write!(out, "\\u{number:04X}") };
    }
}

fn not_text_error() -> String {
    "the pattern matches bytes that are not text".to_owned()
}
