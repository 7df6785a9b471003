//! Renders checked expressions in a readable form.

use super::{CATALOG, model};
use crate::ir::{Arithmetic, Comparison, Const, Expr, Field, Quantifier, Root, TextTest, Type};

pub(super) fn write(expr: &Expr) -> String {
    match expr {
        Expr::Const(constant) => from_const(constant),
        Expr::Now => "now".to_owned(),
        Expr::Field(field) => path(field),
        Expr::Has(field) => format!("has({})", path(field)),
        Expr::Not(operand) => format!("(not {})", write(operand)),
        Expr::And(operands) => format!("(and {})", all(operands)),
        Expr::Or(operands) => format!("(or {})", all(operands)),
        Expr::Conditional { condition, then, otherwise } => {
            format!("(if {} {} {})", write(condition), write(then), write(otherwise))
        }
        Expr::Compare { comparison, left, right } => {
            let symbol = match comparison {
                Comparison::Equal => "==",
                Comparison::NotEqual => "!=",
                Comparison::Less => "<",
                Comparison::LessOrEqual => "<=",
                Comparison::Greater => ">",
                Comparison::GreaterOrEqual => ">=",
            };
            format!("({symbol} {} {})", write(left), write(right))
        }
        Expr::OneOf { value, constants } => {
            let constants: Vec<String> = constants.iter().map(from_const).collect();
            format!("({} in [{}])", write(value), constants.join(" "))
        }
        Expr::ElementOf { value, list } => format!("({} in {})", write(value), path(list)),
        Expr::MapValue { map, key, ty } => format!("{}[{}]:{}", path(map), write(key), type_text(ty)),
        Expr::ListItem { list, index, ty } => format!("{}[{}]:{}", path(list), write(index), type_text(ty)),
        Expr::Size(value) => format!("size({})", write(value)),
        Expr::TextTest { test, text, part } => {
            let name = match test {
                TextTest::StartsWith => "starts",
                TextTest::EndsWith => "ends",
                TextTest::Contains => "contains",
            };
            format!("({name} {} {})", write(text), write(part))
        }
        Expr::Matches { text, pattern } => format!("({} ~ {})", write(text), pattern.postgres),
        Expr::Arithmetic { operation, left, right, ty } => {
            let symbol = match operation {
                Arithmetic::Add => "+",
                Arithmetic::Subtract => "-",
                Arithmetic::Multiply => "*",
                Arithmetic::Divide => "/",
                Arithmetic::Remainder => "%",
            };
            format!("({symbol} {} {}):{}", write(left), write(right), type_text(ty))
        }
        Expr::Negate(operand) => format!("(- {})", write(operand)),
        Expr::Convert { value, ty } => format!("{}({})", type_text(ty), write(value)),
        Expr::Rewrite { rewrite, text } => format!("{rewrite:?}({})", write(text)),
        Expr::TimePart { part, time } => format!("{part:?}({})", write(time)),
        Expr::Quantified { quantifier, list, level, condition } => {
            let name = match quantifier {
                Quantifier::Exists => "exists",
                Quantifier::All => "all",
                Quantifier::ExistsOne => "one",
            };
            format!("({name} ${level} in {} {})", path(list), write(condition))
        }
        Expr::Rule(rule) => format!("{rule:?}"),
        Expr::Search { field, words, language } => format!("(search {} {words:?} {language})", path(field)),
    }
}

fn all(operands: &[Expr]) -> String {
    operands.iter().map(write).collect::<Vec<_>>().join(" ")
}

fn from_const(constant: &Const) -> String {
    match constant {
        Const::Bool(value) => value.to_string(),
        Const::Int(value) => value.to_string(),
        Const::Uint(value) => format!("{value}u"),
        Const::Double(value) => format!("{value:?}"),
        Const::String(value) => format!("{value:?}"),
        Const::Bytes(value) => format!("bytes{value:?}"),
        Const::Timestamp(value) => format!("@{value}"),
        Const::Duration(value) => format!("{value}us"),
        Const::Enum(value) => format!("#{value}"),
        Const::Null => "null".to_owned(),
    }
}

/// Renders a path with field names: `.` for the record, `$0` for a variable, `>` after a relation.
fn path(field: &Field) -> String {
    let (mut text, mut shape) = match &field.root {
        Root::Record => (String::new(), Some(model().shape)),
        Root::Related { reference, model: target } => {
            (format!("{}>", model().shape().field(*reference).name), Some(target.shape))
        }
        Root::Variable(level) => (format!("${level}"), None),
        Root::Element(element) => match element.as_ref() {
            Expr::MapValue { ty: Type::Message(shape), .. } | Expr::ListItem { ty: Type::Message(shape), .. } => {
                (write(element), Some(*shape))
            }
            other => panic!("{other:?} is no message"),
        },
    };
    for step in &field.steps {
        let name = match shape {
            Some(known) => {
                let inner = CATALOG.shapes.get(known).field(*step);
                shape = match inner.kind {
                    groundplan_model::shape::Kind::Message(id) => Some(id),
                    _ => None,
                };
                inner.name.clone()
            }
            None => step.0.to_string(),
        };
        if !text.is_empty() && !text.ends_with('>') {
            text.push('.');
        }
        text.push_str(&name);
    }
    text
}

fn type_text(ty: &Type) -> String {
    match ty {
        Type::Enum(_) => "enum".to_owned(),
        Type::Message(_) => "message".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}
