//! Determines which indexes could serve a condition.

mod searchable;

use crate::Scope;
use crate::ir::{Comparison, Const, Expr, Field, Root, TextTest, Type};
use groundplan_model::shape::{Cardinality, FieldId, Kind};

/// The parts of a condition that an index could serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// A conjunction: an index for one part is enough.
    All(Vec<Access>),
    /// A disjunction: each part needs an index.
    Any(Vec<Access>),
    /// A test of a column of the model.
    Column { field: FieldId, test: ColumnTest },
    /// A test of a text that is too short for an index: see `searchable`.
    TooShort,
    /// A part that no index serves.
    Opaque,
}

/// How a column is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnTest {
    /// Equality with one or several values, absence, or a bool.
    Equal,
    /// An order comparison with a value.
    Range,
    /// A prefix of a text.
    Prefix,
    /// A prefix of a text that is too short for trigrams.
    ShortPrefix,
    /// A substring, suffix or pattern of a text.
    Substring,
    /// An element of a repeated field.
    Element,
    /// `search`.
    Search,
}

pub(crate) fn analyze(scope: Scope<'_>, expr: &Expr) -> Access {
    analyze_condition(scope, expr, false)
}

/// Analyzes a condition, or its negation.
fn analyze_condition(scope: Scope<'_>, expr: &Expr, negated: bool) -> Access {
    match expr {
        // No index serves `true`, and `false` needs none.
        Expr::Const(Const::Bool(value)) => {
            if *value == negated {
                Access::Any(Vec::new())
            } else {
                Access::Opaque
            }
        }
        Expr::Not(operand) => analyze_condition(scope, operand, !negated),
        Expr::And(operands) => chain(scope, operands, !negated, negated),
        Expr::Or(operands) => chain(scope, operands, negated, negated),
        Expr::Field(field) => column_test(field, ColumnTest::Equal),
        Expr::Compare { comparison, left, right } => compare(scope, *comparison, (left, right), negated),
        Expr::Has(field) if negated && is_single(field) => column_test(field, ColumnTest::Equal),
        Expr::OneOf { value, .. } if !negated => operand_test(value, ColumnTest::Equal),
        Expr::ElementOf { value, list } if !negated && matches!(**value, Expr::Const(_)) && is_array(list) => {
            column_test(list, ColumnTest::Element)
        }
        Expr::TextTest { test, text, part } if !negated => text_test(scope, *test, text, part),
        Expr::Matches { text, pattern } if !negated && takes_trigrams(scope, text) => {
            if searchable::pattern_has_trigrams(pattern) {
                operand_test(text, ColumnTest::Substring)
            } else {
                Access::TooShort
            }
        }
        Expr::Search { field, words, .. } if !negated => {
            if searchable::requires_words(words) {
                column_test(field, ColumnTest::Search)
            } else {
                Access::TooShort
            }
        }
        _ => Access::Opaque,
    }
}

fn chain(scope: Scope<'_>, operands: &[Expr], all: bool, negated: bool) -> Access {
    let parts = operands.iter().map(|operand| analyze_condition(scope, operand, negated)).collect();
    if all { Access::All(parts) } else { Access::Any(parts) }
}

fn compare(scope: Scope<'_>, comparison: Comparison, operands: (&Expr, &Expr), negated: bool) -> Access {
    let (operand, other) = match operands {
        (left @ Expr::Field(_), right) if !reads_record(right) => (left, right),
        (left, right @ Expr::Field(_)) if !reads_record(left) => (right, left),
        _ => return Access::Opaque,
    };
    let is_bool =
        matches!(operand, Expr::Field(Field { ty: Type::Bool, .. })) && !matches!(other, Expr::Const(Const::Null));
    match comparison {
        Comparison::Equal | Comparison::NotEqual if is_bool => operand_test(operand, ColumnTest::Equal),
        Comparison::Equal | Comparison::NotEqual if (comparison == Comparison::Equal) == negated => Access::Opaque,
        Comparison::Equal | Comparison::NotEqual => operand_test(operand, ColumnTest::Equal),
        // UUIDs are ordered like their texts, which no index provides.
        _ if is_uuid(scope, operand) => Access::Opaque,
        _ => operand_test(operand, ColumnTest::Range),
    }
}

fn text_test(scope: Scope<'_>, test: TextTest, text: &Expr, part: &Expr) -> Access {
    let Expr::Const(Const::String(part)) = part else { return Access::Opaque };
    let has_trigrams = searchable::part_has_trigrams(test, part);
    match test {
        _ if part.is_empty() => Access::Opaque,
        TextTest::StartsWith if is_uuid(scope, text) => Access::Opaque,
        TextTest::StartsWith => {
            operand_test(text, if has_trigrams { ColumnTest::Prefix } else { ColumnTest::ShortPrefix })
        }
        _ if !takes_trigrams(scope, text) => Access::Opaque,
        _ if has_trigrams => operand_test(text, ColumnTest::Substring),
        _ => Access::TooShort,
    }
}

fn operand_test(operand: &Expr, test: ColumnTest) -> Access {
    match operand {
        Expr::Field(field) => column_test(field, test),
        _ => Access::Opaque,
    }
}

/// Returns a test of a field, if it is a column of the model.
fn column_test(field: &Field, test: ColumnTest) -> Access {
    match (&field.root, field.steps.as_slice()) {
        (Root::Record, [id]) => Access::Column { field: *id, test },
        _ => Access::Opaque,
    }
}

fn is_single(field: &Field) -> bool {
    !matches!(field.ty, Type::List(_) | Type::Map(..) | Type::Message(_) | Type::Opaque)
}

/// Whether a repeated field has a column that is an array.
fn is_array(field: &Field) -> bool {
    match &field.ty {
        Type::List(element) => {
            !matches!(**element, Type::Timestamp | Type::Duration | Type::Message(_) | Type::Opaque)
                && !matches!(field.kind, Some(Kind::Wrapper(_)))
        }
        _ => false,
    }
}

/// Whether a text can have a trigram index: a column that is neither a wrapper nor a reference.
fn takes_trigrams(scope: Scope<'_>, text: &Expr) -> bool {
    let Expr::Field(Field { root: Root::Record, steps, .. }) = text else { return false };
    let [id] = steps.as_slice() else { return false };
    let field = scope.model.shape().field(*id);
    let is_single = !matches!(field.cardinality, Cardinality::Repeated | Cardinality::Map(_));
    field.kind == Kind::String && is_single && scope.model.reference(*id).is_none() && !is_uuid(scope, text)
}

fn is_uuid(scope: Scope<'_>, operand: &Expr) -> bool {
    match operand {
        Expr::Field(Field { root: Root::Record, steps, .. }) => {
            matches!(steps.as_slice(), [id] if scope.model.column_type(*id) == "uuid")
        }
        _ => false,
    }
}

/// Whether a value depends on the record.
fn reads_record(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_) | Expr::Now => false,
        Expr::Arithmetic { left, right, .. } => reads_record(left) || reads_record(right),
        Expr::Negate(operand) | Expr::Convert { value: operand, .. } => reads_record(operand),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, ColumnTest};
    use crate::sql::tests::{compile, shop};

    /// Renders a short form: `=pages`, `all(…)`, `any(…)`, `-`.
    fn render(access: &Access) -> String {
        let list = |parts: &[Access]| parts.iter().map(render).collect::<Vec<_>>().join(" ");
        match access {
            Access::All(parts) => format!("all({})", list(parts)),
            Access::Any(parts) => format!("any({})", list(parts)),
            Access::Column { field, test } => {
                let sign = match test {
                    ColumnTest::Equal => "=",
                    ColumnTest::Range => "<",
                    ColumnTest::Prefix => "^",
                    ColumnTest::ShortPrefix => "'",
                    ColumnTest::Substring => "%",
                    ColumnTest::Element => "@",
                    ColumnTest::Search => "?",
                };
                format!("{sign}{}", shop().model("shop.v1.Book").unwrap().shape().field(*field).name)
            }
            Access::TooShort => "!".to_owned(),
            Access::Opaque => "-".to_owned(),
        }
    }

    #[test]
    fn conditions_have_the_expected_access() {
        for (expression, expected) in [
            ("pages == 1", "=pages"),
            ("1 < pages", "<pages"),
            ("pages != 1", "-"),
            ("!(pages != 1)", "=pages"),
            ("!(pages < 1)", "<pages"),
            ("pages in [1, 2]", "=pages"),
            ("!(pages in [1, 2])", "-"),
            ("pages + 1 == 2", "-"),
            ("pages == sold", "-"),
            ("released > now - duration(\"1h\")", "<released"),
            ("published", "=published"),
            ("!published", "=published"),
            ("published != true", "=published"),
            ("edition == 0", "=edition"),
            ("nickname == null", "=nickname"),
            ("nickname != null", "-"),
            ("has(subtitle)", "-"),
            ("!has(subtitle)", "=subtitle"),
            ("!has(tags)", "-"),
            ("id == \"x\"", "=id"),
            ("id > \"x\"", "-"),
            ("id.startsWith(\"x\")", "-"),
            ("title.startsWith(\"xy\")", "^title"),
            ("title.startsWith(\"x\")", "'title"),
            ("title.startsWith(\"\")", "-"),
            ("title.contains(\"xyz\")", "%title"),
            ("title.contains(\"xy\")", "!"),
            ("title.contains(\"\")", "-"),
            ("title.endsWith(\"xy\")", "%title"),
            ("title.endsWith(\"x\")", "!"),
            ("title.matches(\"xyz\")", "%title"),
            ("title.matches(\"x.*\")", "!"),
            ("!title.contains(\"xyz\")", "-"),
            ("nickname.contains(\"xyz\")", "-"),
            ("nickname.startsWith(\"xyz\")", "^nickname"),
            ("\"x\" in tags", "@tags"),
            ("title in tags", "-"),
            ("\"x\" in stock", "-"),
            ("search(summary, \"x\")", "?summary"),
            ("search(summary, \"-x\")", "!"),
            ("size_of.width == 1", "-"),
            ("sizes[title].width == 1", "-"),
            ("chapters[0].title.startsWith(\"x\")", "-"),
            ("\"x\" in chapters[0].keywords", "-"),
            ("!has(chapters[0].title) && pages == 1", "all(- =pages)"),
            ("author.country == \"NO\"", "-"),
            ("pages == 1 && sold > 1", "all(=pages <sold)"),
            ("pages == 1 || sold > 1", "any(=pages <sold)"),
            ("!(pages == 1 || sold > 1)", "all(- <sold)"),
            ("published ? pages == 1 : sold == 1", "-"),
            ("false", "any()"),
        ] {
            assert_eq!(render(compile(expression).unwrap().access()), expected, "{expression}");
        }
    }
}
