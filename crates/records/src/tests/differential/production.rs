//! The ways to make an expression: every operator and function of the language, for every type that it takes.

use super::tree::Ty;
use std::sync::LazyLock;

/// A way to make an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Production {
    /// `a ? b : c`
    Conditional(Ty),
    /// `list[index]`
    Item(Ty),
    /// `map[key]`
    Entry(Ty),
    /// `&&`, `||`
    Logic(&'static str),
    Not,
    /// Between values of one type.
    Compare(&'static str, Ty),
    /// Between numbers of any types.
    CompareNumbers(&'static str),
    /// With `null`.
    Null(&'static str),
    Has,
    /// `has(map[key])`
    HasKey,
    /// `value in [constants]`
    OneOf(Ty),
    /// `value in list`
    ElementOf(Ty),
    /// `key in map`
    KeyOf(Ty),
    TextTest(&'static str),
    Matches,
    /// Over messages, or over scalars and keys.
    Quantified(&'static str, bool),
    /// Of a string or bytes.
    Size(Ty),
    /// The size of a list or map.
    Count,
    /// Operator, its two sides, and what it gives.
    Calculate(&'static str, Ty, Ty, Ty),
    /// A double by a constant: other factors are rejected.
    Scale(&'static str),
    Negate(Ty),
    /// From and to.
    Convert(Ty, Ty),
    /// A part of a time.
    Part(&'static str),
}

use Production as P;

const ALL_TYPES: [Ty; 9] =
    [Ty::Bool, Ty::Int, Ty::Uint, Ty::Double, Ty::String, Ty::Bytes, Ty::Time, Ty::Duration, Ty::Mood];

const EQUALITIES: [&str; 2] = ["==", "!="];

const ORDERS: [&str; 4] = ["<", "<=", ">", ">="];

static ALL: LazyLock<Vec<Production>> = LazyLock::new(all);

static BY_TYPE: LazyLock<Vec<(Ty, Vec<Production>)>> = LazyLock::new(|| {
    let of = |ty: Ty| ALL.iter().copied().filter(|production| production.ty() == ty).collect();
    ALL_TYPES.map(|ty| (ty, of(ty))).to_vec()
});

impl Production {
    /// Every production.
    pub(super) fn all() -> &'static [Self] {
        &ALL
    }

    /// Those that give a type.
    pub(super) fn of(ty: Ty) -> &'static [Self] {
        BY_TYPE.iter().find(|(other, _)| *other == ty).map_or(&[], |(_, productions)| productions.as_slice())
    }

    /// What it gives.
    pub(super) fn ty(self) -> Ty {
        match self {
            Self::Conditional(ty) | Self::Item(ty) | Self::Entry(ty) | Self::Negate(ty) => ty,
            Self::Calculate(.., ty) | Self::Convert(_, ty) => ty,
            Self::Scale(_) => Ty::Double,
            Self::Size(_) | Self::Count | Self::Part(_) => Ty::Int,
            Self::Logic(_) | Self::Not | Self::Compare(..) | Self::CompareNumbers(_) | Self::Null(_) => Ty::Bool,
            Self::Has | Self::HasKey | Self::OneOf(_) | Self::ElementOf(_) | Self::KeyOf(_) => Ty::Bool,
            Self::TextTest(_) | Self::Matches | Self::Quantified(..) => Ty::Bool,
        }
    }
}

fn all() -> Vec<Production> {
    let mut all = vec![P::Has, P::HasKey, P::Matches, P::Matches, P::Count];
    // What connects conditions is what goes wrong: it comes more often.
    for _ in 0..6 {
        all.extend([P::Logic(" && "), P::Logic(" || ")]);
    }
    for _ in 0..3 {
        all.extend([P::Not, P::Has, P::Conditional(Ty::Bool)]);
        all.extend(["startsWith", "endsWith", "contains"].map(P::TextTest));
        all.extend(EQUALITIES.map(P::Null));
        for quantifier in ["exists", "all", "exists_one"] {
            all.extend([P::Quantified(quantifier, true), P::Quantified(quantifier, false)]);
        }
    }
    for ty in ALL_TYPES {
        all.extend([P::Conditional(ty), P::Item(ty), P::ElementOf(ty), P::OneOf(ty)]);
        all.extend(EQUALITIES.map(|operator| P::Compare(operator, ty)));
        all.extend(ORDERS.map(|operator| P::Compare(operator, ty)));
    }
    // The models have no maps of the other types.
    all.extend([Ty::String, Ty::Int, Ty::Uint, Ty::Double, Ty::Bool, Ty::Bytes, Ty::Mood, Ty::Time].map(P::Entry));
    all.extend([Ty::String, Ty::Int, Ty::Uint, Ty::Bool].map(P::KeyOf));
    all.extend(EQUALITIES.map(P::CompareNumbers));
    all.extend(ORDERS.map(P::CompareNumbers));
    all.extend([P::Size(Ty::String), P::Size(Ty::Bytes)]);
    calculations(&mut all);
    all.extend([P::Negate(Ty::Int), P::Negate(Ty::Double)]);
    for from in [Ty::Int, Ty::Uint, Ty::Double] {
        all.extend([Ty::Int, Ty::Uint, Ty::Double].map(|to| P::Convert(from, to)));
    }
    all.extend([P::Convert(Ty::Int, Ty::String), P::Convert(Ty::Uint, Ty::String), P::Convert(Ty::String, Ty::String)]);
    all.extend([P::Convert(Ty::Mood, Ty::Int), P::Convert(Ty::Bool, Ty::String)]);
    all.extend(["getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"].map(P::Part));
    all.extend(["getHours", "getMinutes", "getSeconds", "getMilliseconds"].map(P::Part));
    all
}

fn calculations(all: &mut Vec<Production>) {
    for ty in [Ty::Int, Ty::Uint] {
        all.extend(["+", "-", "*", "/", "%"].map(|operator| P::Calculate(operator, ty, ty, ty)));
    }
    all.extend(["+", "-"].map(|operator| P::Calculate(operator, Ty::Double, Ty::Double, Ty::Double)));
    all.extend(["*", "/"].map(P::Scale));
    all.push(P::Calculate("+", Ty::String, Ty::String, Ty::String));
    all.push(P::Calculate("+", Ty::Time, Ty::Duration, Ty::Time));
    all.push(P::Calculate("+", Ty::Duration, Ty::Time, Ty::Time));
    all.push(P::Calculate("-", Ty::Time, Ty::Duration, Ty::Time));
    all.push(P::Calculate("-", Ty::Time, Ty::Time, Ty::Duration));
    all.push(P::Calculate("+", Ty::Duration, Ty::Duration, Ty::Duration));
    all.push(P::Calculate("-", Ty::Duration, Ty::Duration, Ty::Duration));
}
