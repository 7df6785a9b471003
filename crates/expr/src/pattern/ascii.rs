//! Restricts `\d`, `\s` and `\w` in a parsed pattern to ASCII, like RE2. Rejects syntax that RE2 or PostgreSQL lacks.

use crate::limits::MAX_REPETITION;
use regex_syntax::ast::{
    AssertionKind, Ast, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem, ClassSetRange, ClassSetUnion,
    Flag, Flags, FlagsItemKind, HexLiteralKind, Literal, LiteralKind, RepetitionKind, RepetitionRange, Span,
};

/// Restricts the classes in a pattern to ASCII.
pub(super) fn narrow(ast: &mut Ast) -> Result<(), String> {
    match ast {
        Ast::Empty(_) | Ast::Dot(_) => Ok(()),
        Ast::Flags(set) => flags(&set.flags),
        Ast::Literal(character) => literal(character),
        Ast::Assertion(assertion) => match assertion.kind {
            AssertionKind::StartLine | AssertionKind::EndLine | AssertionKind::StartText | AssertionKind::EndText => {
                Ok(())
            }
            _ => Err("the pattern uses a word boundary, which differs between engines: write the characters instead"
                .to_owned()),
        },
        Ast::ClassUnicode(_) => Err(property()),
        Ast::ClassPerl(class) => {
            let (span, kind, negated) = (class.span, ClassSet::Item(perl(class, false)), class.negated);
            *ast = Ast::class_bracketed(ClassBracketed { span, negated, kind });
            Ok(())
        }
        Ast::ClassBracketed(class) => set(&mut class.kind),
        Ast::Repetition(repetition) => {
            bounds(&repetition.op.kind)?;
            match &*repetition.ast {
                Ast::Repetition(_) => Err("the pattern repeats a repetition: put the inner one in brackets".to_owned()),
                Ast::Assertion(_) | Ast::Flags(_) => {
                    Err("the pattern repeats an expression that matches no character".to_owned())
                }
                _ => narrow(&mut repetition.ast),
            }
        }
        Ast::Group(group) => {
            if let Some(set) = group.flags() {
                flags(set)?;
            }
            narrow(&mut group.ast)
        }
        Ast::Alternation(alternation) => alternation.asts.iter_mut().try_for_each(narrow),
        Ast::Concat(concat) => concat.asts.iter_mut().try_for_each(narrow),
    }
}

fn property() -> String {
    "the pattern has a class of Unicode (`\\p`), which changes with its version: write the characters, as in `[a-zé]`"
        .to_owned()
}

fn flags(flags: &Flags) -> Result<(), String> {
    for item in &flags.items {
        let FlagsItemKind::Flag(flag) = &item.kind else { continue };
        let letter = match flag {
            Flag::CaseInsensitive | Flag::DotMatchesNewLine | Flag::SwapGreed => continue,
            Flag::MultiLine => 'm',
            Flag::Unicode => 'u',
            Flag::CRLF => 'R',
            Flag::IgnoreWhitespace => 'x',
        };
        return Err(format!("the pattern has the flag `{letter}`: only `i`, `s` and `U` mean the same everywhere"));
    }
    Ok(())
}

fn literal(literal: &Literal) -> Result<(), String> {
    match literal.kind {
        LiteralKind::HexFixed(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong)
        | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) => {
            Err("the pattern has `\\u`, which RE2 does not: write `\\x{…}`".to_owned())
        }
        _ if literal.c == '\0' => {
            Err("texts cannot contain the character U+0000: leave it out of the pattern".to_owned())
        }
        _ => Ok(()),
    }
}

fn bounds(kind: &RepetitionKind) -> Result<(), String> {
    let largest = match kind {
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore => return Ok(()),
        RepetitionKind::Range(RepetitionRange::Exactly(count) | RepetitionRange::AtLeast(count)) => *count,
        RepetitionKind::Range(RepetitionRange::Bounded(_, most)) => *most,
    };
    if largest > MAX_REPETITION {
        return Err(format!("the pattern repeats {largest} times; at most {MAX_REPETITION} are allowed: repeat less"));
    }
    Ok(())
}

fn set(kind: &mut ClassSet) -> Result<(), String> {
    match kind {
        ClassSet::Item(one) => item(one),
        ClassSet::BinaryOp(_) => {
            Err("the pattern has `&&`, `--` or `~~` in a class, which engines read differently: write `\\` before each"
                .to_owned())
        }
    }
}

fn item(item_of: &mut ClassSetItem) -> Result<(), String> {
    match item_of {
        ClassSetItem::Empty(_) | ClassSetItem::Ascii(_) => Ok(()),
        ClassSetItem::Literal(character) => literal(character),
        ClassSetItem::Range(range) => literal(&range.start).and_then(|()| literal(&range.end)),
        ClassSetItem::Unicode(_) => Err(property()),
        ClassSetItem::Perl(class) => {
            *item_of = perl(class, class.negated);
            Ok(())
        }
        ClassSetItem::Bracketed(_) => {
            Err("the pattern has `[` in a class, which engines read differently: write `\\[`".to_owned())
        }
        ClassSetItem::Union(union) => union.items.iter_mut().try_for_each(item),
    }
}

/// Returns the class `\d`, `\s` or `\w` of RE2.
fn perl(class: &ClassPerl, negated: bool) -> ClassSetItem {
    let ranges: &[(char, char)] = match class.kind {
        ClassPerlKind::Digit => &[('0', '9')],
        ClassPerlKind::Space => &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')],
        ClassPerlKind::Word => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
    };
    let items = ranges.iter().map(|(start, end)| range(class.span, *start, *end)).collect();
    let union = ClassSetItem::Union(ClassSetUnion { span: class.span, items });
    if !negated {
        return union;
    }
    let kind = ClassSet::Item(union);
    ClassSetItem::Bracketed(Box::new(ClassBracketed { span: class.span, negated: true, kind }))
}

fn range(span: Span, start: char, end: char) -> ClassSetItem {
    let literal = |c| Literal { span, kind: LiteralKind::Verbatim, c };
    ClassSetItem::Range(ClassSetRange { span, start: literal(start), end: literal(end) })
}
