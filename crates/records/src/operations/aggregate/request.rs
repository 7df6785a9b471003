//! The aggregations of a request, validated against the model.

use super::result::{Column, Outcome};
use groundplan_error::{Error, Reason, Violation};
use groundplan_expr::ir::{Expr, Field, Root, Type};
use groundplan_expr::{ExprError, Filter, OrderKey, Scope, value};
use groundplan_operations::limits::{MAX_AGGREGATIONS, MAX_GROUP_BY};
use groundplan_operations::{AggregateQuery, value_name};
use groundplan_proto::query::v1::{Aggregation, Function};
use groundplan_query::order_error;

/// The longest name of a value, in bytes.
pub(crate) const MAX_NAME: usize = 63;

/// The groups and the values to compute.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) keys: Vec<GroupKey>,
    pub(super) computed: Vec<Computed>,
}

/// A field to group by.
#[derive(Debug)]
pub(super) struct GroupKey {
    /// The field path as the caller wrote it.
    pub(super) name: String,
    pub(super) column: Column,
}

/// An aggregation.
#[derive(Debug)]
pub(super) struct Computed {
    pub(super) name: String,
    /// The SQL of its columns. It has no binds, because it contains only names of the model.
    pub(super) sql: String,
    pub(super) outcome: Outcome,
}

impl Request {
    pub(super) fn parse(scope: Scope<'_>, query: &AggregateQuery) -> Result<Self, Error> {
        if query.group_by.len() > MAX_GROUP_BY {
            let words = format!("must have at most {MAX_GROUP_BY} fields, not {}", query.group_by.len());
            return Err(Error::field("group_by", "repeated.max_items", words));
        }
        if query.aggregations.is_empty() || query.aggregations.len() > MAX_AGGREGATIONS {
            let words = format!("must be 1 to {MAX_AGGREGATIONS}, not {}", query.aggregations.len());
            return Err(Error::field("aggregations", "repeated.max_items", words));
        }
        let mut keys: Vec<GroupKey> = Vec::new();
        for (at, name) in query.group_by.iter().enumerate() {
            let place = format!("group_by[{at}]");
            let column = Column::of(&value(scope, name).map_err(|error| order_error(&place, &error))?);
            let column =
                column.ok_or_else(|| refused(&place, "is not a single value, by which records can be grouped"))?;
            if keys.iter().any(|key| key.column.sql() == column.sql()) {
                return Err(refused(&place, "appears twice"));
            }
            keys.push(GroupKey { name: name.clone(), column });
        }
        let mut computed: Vec<Computed> = Vec::new();
        for (at, aggregation) in query.aggregations.iter().enumerate() {
            let place = format!("aggregations[{at}]");
            let one = Computed::parse(scope, &place, aggregation)?;
            if computed.iter().any(|other| other.name == one.name) {
                let words =
                    format!("is {:?}, which is also the name of another aggregation; give each a name", one.name);
                return Err(Error::field(format!("{place}.name"), "unique", words));
            }
            computed.push(one);
        }
        Ok(Self { keys, computed })
    }
}

impl Computed {
    fn parse(scope: Scope<'_>, place: &str, aggregation: &Aggregation) -> Result<Self, Error> {
        let unknown = || {
            let words = "must be COUNT, SUM, MIN, MAX or AVERAGE";
            Error::field(format!("{place}.function"), "enum.defined_only", words)
        };
        let function = Function::try_from(aggregation.function).map_err(|_| unknown())?;
        let of_field = format!("{place}.field");
        let field = match aggregation.field.as_str() {
            "" if function == Function::Unspecified => return Err(unknown()),
            "" if function == Function::Count => None,
            "" => return Err(Error::field(of_field, "required", "is required for all functions but COUNT")),
            path => Some(path),
        };
        let name = name_of(place, aggregation)?;
        let (sql, outcome) = match (function, field) {
            (Function::Unspecified, _) => return Err(unknown()),
            (_, None) => ("count(*)".to_owned(), Outcome::Count),
            (Function::Count, Some(path)) => {
                let sql = count_of(scope, path).map_err(|error| order_error(&of_field, &error))?;
                (sql, Outcome::Count)
            }
            (_, Some(path)) => {
                let key = value(scope, path).map_err(|error| order_error(&of_field, &error))?;
                computing(function, &key).ok_or_else(|| {
                    let words = match function {
                        Function::Sum => "is neither a number nor a duration, so it has no sum",
                        Function::Average => "is neither a number nor a duration, so it has no average",
                        _ => "is not a single value, of which there is a smallest and a largest",
                    };
                    refused(&of_field, words)
                })?
            }
        };
        Ok(Self { name, sql, outcome })
    }
}

/// Returns the SQL that counts the records in which a field is present, as defined by `has`. It has no binds, because it
/// contains only names of the model.
fn count_of(scope: Scope<'_>, path: &str) -> Result<String, ExprError> {
    let present = match value(scope, path) {
        Ok(key) => Filter::from_expr(scope, Expr::Has(key.field))?,
        // Lists, maps and messages are not single values, but they can be present.
        Err(error) => presence(scope, path).ok_or(error)?,
    };
    Ok(format!("count(*) FILTER (WHERE {})", present.sql().text))
}

/// Returns a filter for the presence of a field of the record, or `None` if the path does not name one.
fn presence(scope: Scope<'_>, path: &str) -> Option<Filter> {
    let path = path.trim();
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let begins_here = path.split('.').next().is_some_and(|name| scope.model.shape().by_name(name).is_some());
    if !begins_here || !path.split('.').all(is_name) {
        return None;
    }
    let filter = Filter::compile(scope, &format!("has({path})")).ok()?;
    let is_own = matches!(filter.expr(), Expr::Has(Field { root: Root::Record, .. }));
    (is_own && filter.sql().slots.is_empty()).then_some(filter)
}

/// Returns the SQL of a function and how to read its result, or `None` if the function does not support the field's type.
fn computing(function: Function, key: &OrderKey) -> Option<(String, Outcome)> {
    let sql = &key.sql;
    Some(match (function, &key.field.ty) {
        (Function::Sum, Type::Int) => (format!("sum(({sql})::numeric)::text"), Outcome::SumOfInts),
        (Function::Sum, Type::Uint) => (format!("sum(({sql})::numeric)::text"), Outcome::SumOfUints),
        (Function::Sum, Type::Double) => (format!("sum({sql})"), Outcome::Value(Column::double())),
        (Function::Sum, Type::Duration) => (format!("sum({sql})"), Outcome::SumOfDurations),
        (Function::Average, Type::Int | Type::Uint) => {
            (format!("avg(({sql})::numeric)::double precision"), Outcome::Value(Column::double()))
        }
        // PostgreSQL's `avg` of doubles also computes squares, which overflow earlier, and it rejects a quotient that is
        // too small for a double.
        (Function::Average, Type::Double) => (format!("sum({sql}), count({sql})"), Outcome::AverageOfDoubles),
        (Function::Average, Type::Duration) => (format!("sum({sql}), count({sql})"), Outcome::AverageOfDurations),
        (Function::Min | Function::Max, ty) => {
            let is_min = function == Function::Min;
            let name = if is_min { "min" } else { "max" };
            let column = Column::of(key)?;
            let sql = match ty {
                Type::Bool => format!("{}({sql})", if is_min { "bool_and" } else { "bool_or" }),
                // PostgreSQL has no `min` of bytea or uuid; these texts are in the same order.
                Type::Bytes => format!("decode({name}(encode({sql}, 'hex') COLLATE \"C\"), 'hex')"),
                Type::String => format!("{name}(({sql})::text COLLATE \"C\")"),
                _ => format!("{name}({sql})::{}", column.sql_type()),
            };
            (sql, Outcome::Value(column))
        }
        _ => return None,
    })
}

/// Returns the name of a value: the caller's, or one built from the function and the field.
fn name_of(place: &str, aggregation: &Aggregation) -> Result<String, Error> {
    let given = &aggregation.name;
    if given.is_empty() {
        return Ok(value_name(aggregation));
    }
    let is_name = given.len() <= MAX_NAME
        && given.starts_with(|first: char| first.is_ascii_alphabetic())
        && given.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name {
        return Ok(given.clone());
    }
    let words = format!("must be a letter, then letters, digits or \"_\", at most {MAX_NAME}");
    Err(Error::field(format!("{place}.name"), "string.pattern", words))
}

/// Returns the error for a field that does not support this use.
fn refused(place: &str, description: &str) -> Error {
    let violation = Violation { field: place.to_owned(), description: description.to_owned(), rule: "field".into() };
    // The path is not quoted, as in all other messages of this reason.
    Error::new(Reason::OrderInvalid, format!("{place} {description}")).with_violation(violation)
}
