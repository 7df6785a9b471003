//! Checks `"%s is %d".format([a, b])`.

use super::{RuleChecker, Typed, is_number, rule_expr};
use crate::ExprError;
use crate::ir::{Notation, Piece, RuleExpr, Type};
use crate::parse::{Literal, Node, NodeKind};

/// The default number of digits after the decimal point.
const DIGITS: usize = 6;

/// The maximum number of digits after the decimal point.
const MAX_DIGITS: usize = 100;

impl RuleChecker<'_> {
    pub(super) fn format(&mut self, template: &Node, arguments: &Node) -> Result<Typed, ExprError> {
        let (NodeKind::Literal(Literal::String(text)), NodeKind::List(nodes)) = (&template.kind, &arguments.kind)
        else {
            let message = "`format` takes a constant text and a list, as in `\"%s: %d\".format([a, b])`";
            return Err(self.error(template.span, message));
        };
        let pieces = pieces(text).map_err(|message| self.error(template.span, message))?;
        let notations: Vec<Notation> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Argument(notation) => Some(*notation),
                Piece::Text(_) => None,
            })
            .collect();
        if notations.len() != nodes.len() {
            let message = format!("the format takes {} values, but the list has {}", notations.len(), nodes.len());
            return Err(self.error(arguments.span, message));
        }
        let mut values = Vec::with_capacity(nodes.len());
        for (node, notation) in nodes.iter().zip(notations) {
            let value = self.value(node)?;
            if !fits(notation, &value.ty) {
                let ty = self.type_name(&value.ty);
                return Err(
                    self.error(node.span, format!("{} is {ty}, which its `%` does not accept", self.quote(node)))
                );
            }
            values.push(value.expr);
        }
        Ok(Typed::new(rule_expr(RuleExpr::Format { pieces, arguments: values }), Type::String))
    }
}

fn fits(notation: Notation, ty: &Type) -> bool {
    let is_whole = matches!(ty, Type::Int | Type::Uint);
    match notation {
        Notation::Text => !matches!(ty, Type::List(_) | Type::Map(..) | Type::Message(_) | Type::Opaque),
        Notation::Decimal | Notation::Octal => is_whole,
        Notation::Fixed(_) => is_number(ty),
        Notation::Scientific(_) => *ty == Type::Double,
        Notation::Hex { .. } => is_whole || matches!(ty, Type::String | Type::Bytes),
        Notation::Binary => is_whole || *ty == Type::Bool,
    }
}

/// Parses a format.
fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        let (notation, after) = notation(after)?;
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(Piece::Argument(notation));
        rest = after;
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// Parses the notation after a `%`, and returns the rest.
fn notation(text: &str) -> Result<(Notation, &str), String> {
    let (digits, text) = match text.strip_prefix('.') {
        Some(text) => {
            let length = text.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, text) = text.split_at_checked(length).unwrap_or_default();
            let digits = digits.parse().ok().filter(|digits| *digits <= MAX_DIGITS);
            (digits.ok_or_else(|| format!("a format has at most {MAX_DIGITS} digits after the point"))?, text)
        }
        None => (DIGITS, text),
    };
    let mut characters = text.chars();
    let notation = match characters.next() {
        Some('s') => Notation::Text,
        Some('d') => Notation::Decimal,
        Some('f') => Notation::Fixed(digits),
        Some('e') => Notation::Scientific(digits),
        Some('x') => Notation::Hex { upper: false },
        Some('X') => Notation::Hex { upper: true },
        Some('o') => Notation::Octal,
        Some('b') => Notation::Binary,
        Some(other) => return Err(format!("`%{other}` is not valid in a format: write `%%` for a percent sign")),
        None => return Err("the format ends after `%`: write `%%` for a percent sign".to_owned()),
    };
    Ok((notation, characters.as_str()))
}
