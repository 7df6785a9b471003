//! Tests of orders, and of fields for groups.

use super::scope;
use crate::{OrderKey, order_by, value};

/// Renders a key as a line.
fn line(key: &OrderKey) -> String {
    let OrderKey { name, descending, sql, sql_type, nullable, column, .. } = key;
    let direction = if *descending { "desc" } else { "asc" };
    let nulls = if *nullable { " nullable" } else { "" };
    let index = if column.is_some() { " column" } else { "" };
    format!("{name} {direction}: {sql} {sql_type}{nullable}{index}", nullable = nulls)
}

fn order(source: &str) -> Vec<String> {
    match order_by(scope(), source) {
        Ok(keys) => keys.iter().map(line).collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn valid_orders_are_parsed() {
    for (source, expected) in [
        ("", vec![]),
        ("  ", vec![]),
        ("title", vec!["title asc: r.\"title\" COLLATE \"C\" text column"]),
        (
            " pages desc , nickName asc",
            vec![
                "pages desc: r.\"pages\" bigint column",
                "nickName asc: r.\"nick_name\" COLLATE \"C\" text nullable column",
            ],
        ),
        ("serial", vec!["serial asc: r.\"serial\" numeric column"]),
        ("rank", vec!["rank asc: r.\"rank\" bigint nullable column"]),
        ("id desc", vec!["id desc: r.\"id\" uuid column"]),
        ("created_at", vec!["created_at asc: r.\"created_at\" timestamptz column"]),
        ("sold_at", vec!["sold_at asc: r.\"sold_at\" timestamptz nullable column"]),
        ("wait", vec!["wait asc: r.\"wait\" interval nullable column"]),
        ("maker_id", vec!["maker_id asc: r.\"maker_id\" uuid nullable column"]),
        ("status", vec!["status asc: r.\"status\" integer column"]),
        ("weight", vec!["weight asc: r.\"weight\" float8 column"]),
        ("digest", vec!["digest asc: r.\"digest\" bytea column"]),
        ("listed", vec!["listed asc: r.\"listed\" boolean column"]),
        ("stock", vec!["stock asc: r.\"stock\" bigint nullable column"]),
        ("address.city", vec!["address.city asc: coalesce((r.\"address\"->>'city'), '') COLLATE \"C\" text"]),
        ("address.floor desc", vec!["address.floor desc: (r.\"address\"->>'floor')::bigint bigint nullable"]),
        (
            "address.other.since",
            vec!["address.other.since asc: (r.\"address\"->'other'->>'since')::timestamptz timestamptz nullable"],
        ),
        ("shelf", vec!["shelf asc: r.\"shelf\" COLLATE \"C\" text nullable column"]),
    ] {
        assert_eq!(order(source), expected, "{source}");
    }
}

#[test]
fn invalid_orders_are_rejected() {
    for (source, expected) in [
        ("titel", "Thing has no field `titel`: did you mean `title`? (at 1:1)"),
        ("title, pags", "Thing has no field `pags`: did you mean `pages`? (at 1:8)"),
        ("title,", "the name of a field is missing: leave the comma out (at 1:7)"),
        (",", "the name of a field is missing: leave the comma out (at 1:1)"),
        (
            "title down",
            "`down` after `title` is not valid: write `asc` or `desc`, and separate fields with commas (at 1:1)",
        ),
        (
            "title desc pages",
            "`desc` after `title` is not valid: write `asc` or `desc`, and separate fields with commas (at 1:1)",
        ),
        ("title DESC", "write `title desc`, in lowercase (at 1:1)"),
        ("title, title desc", "`title` is already in the order, as `title`: name each field once (at 1:8)"),
        ("nick_name, nickName", "`nickName` is already in the order, as `nick_name`: name each field once (at 1:12)"),
        ("tags", "`tags` holds many values: name a field that holds one (at 1:1)"),
        ("labels", "`labels` holds many values: name a field that holds one (at 1:1)"),
        ("parts.name", "`parts` holds many values: name a field that holds one (at 1:1)"),
        (
            "address",
            "`address` is a message, which has no order: name one of the fields inside, as in `address.field` (at 1:1)",
        ),
        ("extra", "`extra` has no order: name another field (at 1:1)"),
        (
            "maker.country",
            "`maker` refers to another record: name a field of the record itself, such as `maker_id` (at 1:1)",
        ),
        (
            "maker_id.country",
            "`maker_id` refers to another record: name a field of the record itself, such as `maker_id` (at 1:1)",
        ),
        ("title.x", "`title` is not a message and has no fields: leave out the part after the dot (at 1:1)"),
        ("password", "`password` is input only, so expressions cannot read it (at 1:1)"),
        (
            "etag",
            "`etag` is computed when a record is read, so expressions cannot read it: read the record and compare (at 1:1)",
        ),
        ("address.zzz", "Address has no field `zzz`: it has `city`, `floor`, `since`, `notes`, `other` (at 1:1)"),
        ("address..city", "Address has no field ``: it has `city`, `floor`, `since`, `notes`, `other` (at 1:1)"),
        (
            "title\"; drop table x; --",
            "`drop` after `title\";` is not valid: write `asc` or `desc`, and separate fields with commas (at 1:1)",
        ),
        ("title\"--", "Thing has no field `title\"--`: it has `id`, `title`, `pages`, `views`, `copies`, … (at 1:1)"),
    ] {
        assert_eq!(order(source), [expected], "{source}");
    }
}

#[test]
fn orders_are_limited() {
    let long = "title,".repeat(100);
    assert_eq!(order(&long), ["the order has 600 bytes; at most 512 are allowed: name fewer fields"]);
    let many = "id, title, pages, views, copies, serial, weight, price, listed";
    assert_eq!(order(many), ["the order has 9 fields; at most 8 are allowed: name fewer"]);
}

#[test]
fn paths_of_values_are_single_fields() {
    assert_eq!(line(&value(scope(), "pages").unwrap()), "pages asc: r.\"pages\" bigint column");
    assert_eq!(
        value(scope(), "pages desc").unwrap_err().to_string(),
        "Thing has no field `pages desc`: it has `id`, `title`, `pages`, `views`, `copies`, …"
    );
    assert_eq!(
        value(scope(), "").unwrap_err().to_string(),
        "Thing has no field ``: it has `id`, `title`, `pages`, `views`, `copies`, …"
    );
    assert!(value(scope(), &"a.".repeat(1_000)).is_err());
}
