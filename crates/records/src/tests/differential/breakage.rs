//! Faults on purpose: each breaks what one operator makes of an absent value or of an error, on the side of SQL alone.

use groundplan_expr::ir::{Absent, Comparison, Const, Expr, Field, Root, Type};

/// Changes one expression, whose parts are changed already.
type Change = fn(Expr) -> Expr;

/// A fault, and what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Breakage {
    pub(super) name: &'static str,
    change: Change,
}

/// All of them.
pub(super) const BREAKAGES: &[Breakage] = &[
    Breakage { name: "an absent scalar is an error", change: |expr| absence(expr, Absent::Zero, Absent::Error) },
    Breakage { name: "an absent scalar is null", change: |expr| absence(expr, Absent::Zero, Absent::Null) },
    Breakage { name: "an absent time is zero", change: |expr| absence(expr, Absent::Error, Absent::Zero) },
    Breakage { name: "an absent wrapper is zero", change: |expr| absence(expr, Absent::Null, Absent::Zero) },
    Breakage { name: "an absent wrapper is an error", change: |expr| absence(expr, Absent::Null, Absent::Error) },
    Breakage { name: "|| stops at an error", change: or_stops },
    Breakage { name: "&& stops at an error", change: and_stops },
    Breakage { name: "?: forgives an error where it does not matter", change: conditional_goes_on },
    Breakage { name: "!= null is never true", change: not_null_is_false },
    Breakage { name: "what is under a missing key is zero", change: missing_is_zero },
];

impl Breakage {
    /// The expression with the fault wherever it can be.
    pub(super) fn apply(self, expr: &Expr) -> Expr {
        let mut expr = expr.clone();
        for part in parts(&mut expr) {
            *part = self.apply(part);
        }
        (self.change)(expr)
    }
}

/// The expressions that an expression is made of.
fn parts(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Const(_) | Expr::Now | Expr::Field(_) | Expr::Has(_) | Expr::Search { .. } => Vec::new(),
        // No filter has one.
        Expr::Rule(_) => Vec::new(),
        Expr::And(parts) | Expr::Or(parts) => parts.iter_mut().collect(),
        Expr::Conditional { condition, then, otherwise } => vec![condition, then, otherwise],
        Expr::Compare { left, right, .. } | Expr::Arithmetic { left, right, .. } => vec![left, right],
        Expr::TextTest { text, part, .. } => vec![text, part],
        Expr::Not(part) | Expr::Size(part) | Expr::Negate(part) => vec![part],
        Expr::OneOf { value, .. } | Expr::ElementOf { value, .. } | Expr::Convert { value, .. } => vec![value],
        Expr::MapValue { key: part, .. } | Expr::ListItem { index: part, .. } => vec![part],
        Expr::Matches { text: part, .. } | Expr::Rewrite { text: part, .. } => vec![part],
        Expr::TimePart { time: part, .. } => vec![part],
        Expr::Quantified { condition, .. } => vec![condition],
    }
}

fn absence(expr: Expr, from: Absent, to: Absent) -> Expr {
    match expr {
        Expr::Field(field) if field.absent == from => Expr::Field(Field { absent: to, ..field }),
        expr => expr,
    }
}

/// `a ? true : b` for `a || b`.
fn or_stops(expr: Expr) -> Expr {
    let Expr::Or(parts) = expr else { return expr };
    fold(parts, |left, right| conditional(left, Expr::Const(Const::Bool(true)), right))
}

/// `a ? b : false` for `a && b`.
fn and_stops(expr: Expr) -> Expr {
    let Expr::And(parts) = expr else { return expr };
    fold(parts, |left, right| conditional(left, right, Expr::Const(Const::Bool(false))))
}

/// `a && b || !a && c || b && c` for `a ? b : c`, where those are conditions.
fn conditional_goes_on(expr: Expr) -> Expr {
    let Expr::Conditional { condition, then, otherwise } = expr else { return expr };
    if !is_condition(&then) || !is_condition(&otherwise) {
        return Expr::Conditional { condition, then, otherwise };
    }
    let not = Expr::Not(condition.clone());
    let both = Expr::And(vec![(*then).clone(), (*otherwise).clone()]);
    Expr::Or(vec![Expr::And(vec![*condition, *then]), Expr::And(vec![not, *otherwise]), both])
}

fn not_null_is_false(expr: Expr) -> Expr {
    match expr {
        Expr::Compare { comparison: Comparison::NotEqual, left, right } if is_null(&left) || is_null(&right) => {
            Expr::Const(Const::Bool(false))
        }
        expr => expr,
    }
}

/// `key in map ? map[key].field : zero` for `map[key].field`.
fn missing_is_zero(expr: Expr) -> Expr {
    let Expr::Field(Field { root: Root::Element(element), ty, absent: Absent::Zero, .. }) = &expr else { return expr };
    let zero = match ty {
        Type::Bool => Const::Bool(false),
        Type::Int => Const::Int(0),
        Type::Uint => Const::Uint(0),
        Type::String => Const::String(String::new()),
        _ => return expr,
    };
    let Expr::MapValue { map, key, .. } = element.as_ref() else { return expr };
    let is_there = Expr::ElementOf { value: key.clone(), list: map.clone() };
    conditional(is_there, expr, Expr::Const(zero))
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Const(Const::Null))
}

fn is_condition(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Field(Field { ty: Type::Bool, .. })
            | Expr::Const(Const::Bool(_))
            | Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Compare { .. }
            | Expr::Has(_)
            | Expr::OneOf { .. }
            | Expr::ElementOf { .. }
            | Expr::TextTest { .. }
            | Expr::Matches { .. }
            | Expr::Quantified { .. }
    )
}

fn conditional(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    Expr::Conditional { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) }
}

/// From the right: `a || b || c` is `a || (b || c)`.
fn fold(parts: Vec<Expr>, join: impl Fn(Expr, Expr) -> Expr) -> Expr {
    let folded = parts.into_iter().rev().reduce(|right, left| join(left, right));
    folded.unwrap_or(Expr::Const(Const::Bool(true)))
}
