//! Keyset pagination: the conditions of the rows after a row, by the values of the order's keys.
//!
//! The order is PostgreSQL's: NULL is larger than every value, so it comes last if a key ascends and first if it descends, and
//! NaN is the largest number. Conditions bound the first key in a way that an index can use, so that each page costs as much
//! as the first one.

use super::SqlBuilder;
use bytes::Bytes;
use groundplan_chassis::database::Bind;

/// A key of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub(super) sql: &'a str,
    pub(super) sql_type: &'static str,
    pub(super) descending: bool,
    pub(super) nullable: bool,
}

/// A key with its value in the previous row; NULL is `None`.
type KeyValue<'a> = (Key<'a>, Option<Bytes>);

/// Returns the conditions of the rows after the row with these values. Each such row meets exactly one condition, and rows
/// that meet an earlier condition come first.
pub(super) fn rows_after(keys: &[KeyValue<'_>]) -> Vec<SqlBuilder> {
    let Some(((key, value), rest)) = keys.split_first() else { return Vec::new() };
    let first = if rows_compare(keys) {
        compare_rows(keys)
    } else {
        let mut first = SqlBuilder::default();
        if value.is_some() {
            // The next condition implies this one, but an index can use only this one.
            let operator = if key.descending { " <= " } else { " >= " };
            compare(&mut first, key, operator, value.as_ref()).push(" AND ");
        } else {
            first.push(key.sql).push(" IS NULL");
            if rest.is_empty() {
                first.push(" AND false");
            } else {
                first.push(" AND ").append(after(rest));
            }
            let others = is_null(key, false);
            return if key.descending { vec![first, others] } else { vec![first] };
        }
        // Rows with NULL are a separate condition, below.
        first.append(after_non_null(keys));
        first
    };
    if key.nullable && !key.descending { vec![first, is_null(key, true)] } else { vec![first] }
}

/// Reports whether one row comparison is enough: if a NULL makes it NULL, the row must not follow.
fn rows_compare(keys: &[KeyValue<'_>]) -> bool {
    let descending = keys.first().is_some_and(|(key, _)| key.descending);
    let one_direction = keys.iter().all(|(key, value)| key.descending == descending && value.is_some());
    // A NULL in the first key is a separate condition.
    one_direction && (descending || keys.iter().skip(1).all(|(key, _)| !key.nullable))
}

/// `(a, b) > (?, ?)`
fn compare_rows(keys: &[KeyValue<'_>]) -> SqlBuilder {
    let mut builder = SqlBuilder::default();
    let operator = if keys.first().is_some_and(|(key, _)| key.descending) { " < " } else { " > " };
    if let [(key, value)] = keys {
        compare(&mut builder, key, operator, value.as_ref());
        return builder;
    }
    let names: Vec<&str> = keys.iter().map(|(key, _)| key.sql).collect();
    builder.push("(").push(&names.join(", ")).push(")").push(operator).push("(");
    for (at, (key, value)) in keys.iter().enumerate() {
        builder.push(if at == 0 { "" } else { ", " }).cast(bind(value.as_ref()), key.sql_type);
    }
    builder.push(")");
    builder
}

/// Returns the rows after a row as one condition in parentheses.
fn after(keys: &[KeyValue<'_>]) -> SqlBuilder {
    let Some(((key, value), rest)) = keys.split_first() else {
        let mut none = SqlBuilder::default();
        none.push("false");
        return none;
    };
    // NULL is larger than every value: rows with NULL follow in ascending order.
    let nulls_follow = key.nullable && !key.descending;
    if value.is_some() && !nulls_follow {
        return if rows_compare(keys) { compare_rows(keys) } else { after_non_null(keys) };
    }
    let mut builder = SqlBuilder::default();
    builder.push("(");
    if value.is_some() {
        builder.append(after_non_null(keys)).push(" OR ").append(is_null(key, true));
    } else {
        builder.append(is_null(key, true)).push(" AND ").append(after(rest));
        if key.descending {
            builder.push(" OR ").append(is_null(key, false));
        }
    }
    builder.push(")");
    builder
}

/// `(a > ? OR (a = ? AND …))`: the next rows whose first key is not NULL, if that of the previous row is not.
fn after_non_null(keys: &[KeyValue<'_>]) -> SqlBuilder {
    let mut builder = SqlBuilder::default();
    let Some(((key, value), rest)) = keys.split_first() else { return builder };
    builder.push("(");
    compare(&mut builder, key, if key.descending { " < " } else { " > " }, value.as_ref());
    if !rest.is_empty() {
        builder.push(" OR (");
        compare(&mut builder, key, " = ", value.as_ref()).push(" AND ").append(after(rest)).push(")");
    }
    builder.push(")");
    builder
}

fn compare<'a>(
    builder: &'a mut SqlBuilder,
    key: &Key<'_>,
    operator: &str,
    value: Option<&Bytes>,
) -> &'a mut SqlBuilder {
    builder.push(key.sql).push(operator).cast(bind(value), key.sql_type)
}

fn is_null(key: &Key<'_>, null: bool) -> SqlBuilder {
    let mut builder = SqlBuilder::default();
    builder.push(key.sql).push(if null { " IS NULL" } else { " IS NOT NULL" });
    builder
}

fn bind(value: Option<&Bytes>) -> Bind {
    value.map_or(Bind::Null, |value| Bind::bytes(value.clone()))
}

#[cfg(test)]
mod tests {
    use super::{Key, rows_after};
    use bytes::Bytes;

    /// `a`: ascending, `-a`: descending, with `?` nullable; a value of `N` is NULL.
    fn conditions(keys: &'static str) -> Vec<String> {
        let keys: Vec<_> = keys.split(' ').map(|key| key.split_once('=').unwrap()).collect();
        let at = |(name, value): &(&'static str, &str)| {
            let sql = name.trim_matches(['-', '?']);
            let key = Key { sql, sql_type: "int", descending: name.starts_with('-'), nullable: name.ends_with('?') };
            (key, (*value != "N").then(|| Bytes::from_static(b"v")))
        };
        let keys: Vec<_> = keys.iter().map(at).collect();
        rows_after(&keys).into_iter().map(|builder| builder.text().replace("?::int", "?")).collect()
    }

    #[test]
    fn conditions_match_the_order() {
        for (keys, expected) in [
            ("id=1", &["id > ?"][..]),
            ("-id=1", &["id < ?"]),
            ("a=1 id=1", &["(a, id) > (?, ?)"]),
            ("-a=1 -id=1", &["(a, id) < (?, ?)"]),
            ("-a?=1 -id=1", &["(a, id) < (?, ?)"]),
            ("a?=1 id=1", &["(a, id) > (?, ?)", "a IS NULL"]),
            ("a?=N id=1", &["a IS NULL AND id > ?"]),
            ("-a?=N -id=1", &["a IS NULL AND id < ?", "a IS NOT NULL"]),
            ("-a=1 id=1", &["a <= ? AND (a < ? OR (a = ? AND id > ?))"]),
            ("a?=1 -id=1", &["a >= ? AND (a > ? OR (a = ? AND id < ?))", "a IS NULL"]),
            ("a=1 -b=2 id=1", &["a >= ? AND (a > ? OR (a = ? AND (b < ? OR (b = ? AND id > ?))))"]),
            ("a=1 b?=2 id=1", &["a >= ? AND (a > ? OR (a = ? AND ((b > ? OR (b = ? AND id > ?)) OR b IS NULL)))"]),
            ("a=1 b?=N id=1", &["a >= ? AND (a > ? OR (a = ? AND (b IS NULL AND id > ?)))"]),
            ("-a=1 -b?=N -id=1", &["a <= ? AND (a < ? OR (a = ? AND (b IS NULL AND id < ? OR b IS NOT NULL)))"]),
            ("-a=1 b=2 id=1", &["a <= ? AND (a < ? OR (a = ? AND (b, id) > (?, ?)))"]),
        ] {
            assert_eq!(conditions(keys), expected, "{keys}");
        }
    }
}
