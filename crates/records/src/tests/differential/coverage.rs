//! Which operators occurred, and what came of the expressions that had them.

use groundplan_expr::EvaluationFailure;
use groundplan_expr::ir::{Const, Expr, Field, Root};
use std::collections::BTreeMap;
use std::fmt;

/// The verdicts on expressions with an operator.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdicts {
    pub(super) yes: usize,
    pub(super) no: usize,
    pub(super) error: usize,
}

/// The verdicts by operator.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    pub(super) operators: BTreeMap<String, Verdicts>,
}

impl Verdicts {
    pub(super) fn note(&mut self, verdict: Result<bool, EvaluationFailure>) {
        match verdict {
            Ok(true) => self.yes += 1,
            Ok(false) => self.no += 1,
            Err(_) => self.error += 1,
        }
    }
}

impl Coverage {
    /// Counts the verdicts on an expression for each operator that it has.
    pub(super) fn note(&mut self, expr: &Expr, verdicts: Verdicts) {
        let mut names = Vec::new();
        collect(expr, &mut names);
        names.sort_unstable();
        names.dedup();
        for name in names {
            let counted = self.operators.entry(name).or_default();
            counted.yes += verdicts.yes;
            counted.no += verdicts.no;
            counted.error += verdicts.error;
        }
    }

    /// The operators that never occurred.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        self.without(|_| true)
    }

    /// The operators whose expressions never had both verdicts.
    pub(super) fn one_sided(&self) -> Vec<&'static str> {
        self.without(|verdicts| verdicts.yes > 0 && verdicts.no > 0)
    }

    /// The operators whose expressions were never an error.
    pub(super) fn without_error(&self) -> Vec<&'static str> {
        self.without(|verdicts| verdicts.error > 0)
    }

    fn without(&self, enough: impl Fn(&Verdicts) -> bool) -> Vec<&'static str> {
        let poor = |name: &&str| !self.operators.get(*name).is_some_and(&enough);
        EXPECTED.iter().copied().filter(poor).collect()
    }
}

/// What must occur.
pub(super) const EXPECTED: &[&str] = &[
    "&&",
    "||",
    "!",
    "?:",
    "now",
    "Const",
    "Field of Record",
    "Field of Related",
    "Field of Variable",
    "Field of Element",
    "Field, absent is Zero",
    "Field, absent is Null",
    "Field, absent is Error",
    "has",
    "Equal",
    "NotEqual",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "null",
    "in constants",
    "in list",
    "map[key] Bool",
    "map[key] Int",
    "map[key] Uint",
    "map[key] Double",
    "map[key] String",
    "map[key] Bytes",
    "map[key] Timestamp",
    "list[index] Bool",
    "list[index] Int",
    "list[index] Uint",
    "list[index] Double",
    "list[index] String",
    "list[index] Bytes",
    "list[index] Timestamp",
    "list[index] Duration",
    "size",
    "StartsWith",
    "EndsWith",
    "Contains",
    "matches",
    "Add Int",
    "Add Uint",
    "Add Double",
    "Add String",
    "Add Timestamp",
    "Add Duration",
    "Subtract Int",
    "Subtract Uint",
    "Subtract Double",
    "Subtract Timestamp",
    "Subtract Duration",
    "Multiply Int",
    "Multiply Uint",
    "Multiply Double",
    "Divide Int",
    "Divide Uint",
    "Divide Double",
    "Remainder Int",
    "Remainder Uint",
    "negate",
    "to Int",
    "to Uint",
    "to Double",
    "to String",
    "FullYear",
    "Month",
    "Date",
    "DayOfMonth",
    "DayOfWeek",
    "DayOfYear",
    "Hours",
    "Minutes",
    "Seconds",
    "Milliseconds",
    "Exists",
    "All",
    "ExistsOne",
];

fn collect(expr: &Expr, names: &mut Vec<String>) {
    let (name, parts): (String, Vec<&Expr>) = match expr {
        Expr::Const(_) => ("Const".to_owned(), Vec::new()),
        Expr::Now => ("now".to_owned(), Vec::new()),
        // No filter has one.
        Expr::Rule(_) => ("rule".to_owned(), Vec::new()),
        Expr::Field(field) => {
            names.push(format!("Field, absent is {:?}", field.absent));
            (root(field), Vec::new())
        }
        Expr::Has(field) => {
            names.push(root(field));
            ("has".to_owned(), Vec::new())
        }
        Expr::Not(part) => ("!".to_owned(), vec![part]),
        Expr::And(parts) => ("&&".to_owned(), parts.iter().collect()),
        Expr::Or(parts) => ("||".to_owned(), parts.iter().collect()),
        Expr::Conditional { condition, then, otherwise } => ("?:".to_owned(), vec![condition, then, otherwise]),
        Expr::Compare { comparison, left, right } => {
            if [left, right].iter().any(|side| matches!(side.as_ref(), Expr::Const(Const::Null))) {
                names.push("null".to_owned());
            }
            (format!("{comparison:?}"), vec![left, right])
        }
        Expr::OneOf { value, .. } => ("in constants".to_owned(), vec![value]),
        Expr::ElementOf { value, list } => {
            names.push(root(list));
            ("in list".to_owned(), vec![value])
        }
        Expr::MapValue { map, key, ty } => {
            names.push(root(map));
            (format!("map[key] {ty:?}"), vec![key])
        }
        Expr::ListItem { list, index, ty } => {
            names.push(root(list));
            (format!("list[index] {ty:?}"), vec![index])
        }
        Expr::Size(part) => ("size".to_owned(), vec![part]),
        Expr::TextTest { test, text, part } => (format!("{test:?}"), vec![text, part]),
        Expr::Matches { text, .. } => ("matches".to_owned(), vec![text]),
        Expr::Arithmetic { operation, left, right, ty } => (format!("{operation:?} {ty:?}"), vec![left, right]),
        Expr::Negate(part) => ("negate".to_owned(), vec![part]),
        Expr::Convert { value, ty } => (format!("to {ty:?}"), vec![value]),
        Expr::Rewrite { rewrite, text } => (format!("{rewrite:?}"), vec![text]),
        Expr::TimePart { part, time } => (format!("{part:?}"), vec![time]),
        Expr::Quantified { quantifier, list, condition, .. } => {
            names.push(root(list));
            (format!("{quantifier:?}"), vec![condition])
        }
        Expr::Search { .. } => ("search".to_owned(), Vec::new()),
    };
    names.push(name);
    for part in parts {
        collect(part, names);
    }
}

fn root(field: &Field) -> String {
    let root = match field.root {
        Root::Record => "Record",
        Root::Related { .. } => "Related",
        Root::Variable(_) => "Variable",
        Root::Element(_) => "Element",
    };
    format!("Field of {root}")
}

impl fmt::Display for Coverage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, Verdicts { yes, no, error }) in &self.operators {
            writeln!(formatter, "  {name:<28} {yes:>9} true {no:>9} false {error:>9} error")?;
        }
        Ok(())
    }
}
