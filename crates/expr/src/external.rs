//! Dependencies of an expression on anything except the record. Without them, only changes of the record change the result.

use crate::ir::{Expr, Field, Root};

/// What an expression depends on in addition to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalDependency {
    /// Another record, along a relation.
    Relation,
    /// `now`.
    Time,
    /// `search`, which only PostgreSQL can evaluate.
    Search,
}

/// Returns the first external dependency of an expression.
pub(crate) fn external_dependency(expr: &Expr) -> Option<ExternalDependency> {
    let all = |exprs: &[&Expr]| exprs.iter().find_map(|expr| external_dependency(expr));
    match expr {
        Expr::Now => Some(ExternalDependency::Time),
        Expr::Search { .. } => Some(ExternalDependency::Search),
        // Rules are never checked for dependencies.
        Expr::Const(_) | Expr::Rule(_) => None,
        Expr::Field(field) | Expr::Has(field) => field_dependency(field),
        Expr::Not(inner) | Expr::Size(inner) | Expr::Negate(inner) => external_dependency(inner),
        Expr::Convert { value, .. } | Expr::OneOf { value, .. } => external_dependency(value),
        Expr::TimePart { time, .. } => external_dependency(time),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().find_map(external_dependency),
        Expr::Conditional { condition, then, otherwise } => all(&[condition, then, otherwise]),
        Expr::Compare { left, right, .. } | Expr::Arithmetic { left, right, .. } => all(&[left, right]),
        Expr::TextTest { text, part, .. } => all(&[text, part]),
        Expr::Matches { text, .. } | Expr::Rewrite { text, .. } => external_dependency(text),
        Expr::ElementOf { value, list } => external_dependency(value).or_else(|| field_dependency(list)),
        Expr::MapValue { map, key, .. } => field_dependency(map).or_else(|| external_dependency(key)),
        Expr::ListItem { list, index, .. } => field_dependency(list).or_else(|| external_dependency(index)),
        Expr::Quantified { list, condition, .. } => field_dependency(list).or_else(|| external_dependency(condition)),
    }
}

fn field_dependency(field: &Field) -> Option<ExternalDependency> {
    match &field.root {
        Root::Related { .. } => Some(ExternalDependency::Relation),
        Root::Element(element) => external_dependency(element),
        Root::Record | Root::Variable(_) => None,
    }
}
