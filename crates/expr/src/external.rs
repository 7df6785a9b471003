//! Whether a record alone tells whether it matches, so that only its own changes can change that.

use crate::ir::{Expr, Field, Root};

/// What an expression needs beside the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Another record, along a relation.
    Relation,
    /// `now`.
    Time,
    /// `search`, which only PostgreSQL can tell.
    Search,
}

/// The first thing that an expression needs beside the record.
pub(crate) fn outside(expr: &Expr) -> Option<Outside> {
    let all = |exprs: &[&Expr]| exprs.iter().find_map(|expr| outside(expr));
    match expr {
        Expr::Now => Some(Outside::Time),
        Expr::Search { .. } => Some(Outside::Search),
        // Nobody asks this of rules, whose parts these are.
        Expr::Const(_) | Expr::Rule(_) => None,
        Expr::Field(field) | Expr::Has(field) => of_field(field),
        Expr::Not(inner) | Expr::Size(inner) | Expr::Negate(inner) => outside(inner),
        Expr::Convert { value, .. } | Expr::OneOf { value, .. } => outside(value),
        Expr::TimePart { time, .. } => outside(time),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().find_map(outside),
        Expr::Conditional { condition, then, otherwise } => all(&[condition, then, otherwise]),
        Expr::Compare { left, right, .. } | Expr::Arithmetic { left, right, .. } => all(&[left, right]),
        Expr::TextTest { text, part, .. } => all(&[text, part]),
        Expr::Matches { text, .. } | Expr::Rewrite { text, .. } => outside(text),
        Expr::ElementOf { value, list } => outside(value).or_else(|| of_field(list)),
        Expr::MapValue { map, key, .. } => of_field(map).or_else(|| outside(key)),
        Expr::ListItem { list, index, .. } => of_field(list).or_else(|| outside(index)),
        Expr::Quantified { list, condition, .. } => of_field(list).or_else(|| outside(condition)),
    }
}

fn of_field(field: &Field) -> Option<Outside> {
    match &field.root {
        Root::Related { .. } => Some(Outside::Relation),
        Root::Element(element) => outside(element),
        Root::Record | Root::Variable(_) => None,
    }
}
