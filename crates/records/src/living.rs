//! Which records are there: not deleted, where deleting is soft, and not past their end.
//!
//! PostgreSQL's clock decides what is past its end, so that all processes agree. Only models with the option have a
//! field of either role.

use groundplan_codec::{Record, Value};
use groundplan_model::catalog::Model;

/// The condition that a record under an alias has not ended, with ` AND ` in front; empty for a model whose records do not.
pub(crate) fn not_expired(model: &Model, alias: &str) -> String {
    model.roles.expires_at.map_or_else(String::new, |field| {
        let column = model.column_name(field);
        format!(" AND ({alias}.{column} IS NULL OR {alias}.{column} > statement_timestamp())")
    })
}

/// The condition that a record under an alias is not deleted, with ` AND ` in front; empty where deleting is for good.
pub(crate) fn not_deleted(model: &Model, alias: &str) -> String {
    model
        .roles
        .deleted_at
        .map_or_else(String::new, |field| format!(" AND {alias}.{} IS NULL", model.column_name(field)))
}

/// Both.
pub(crate) fn living(model: &Model, alias: &str) -> String {
    not_deleted(model, alias) + &not_expired(model, alias)
}

/// Whether a model has records that are stored and yet not there for those who refer to them.
pub(crate) fn may_be_gone(model: &Model) -> bool {
    model.soft_delete.is_some() || model.expiry.is_some()
}

/// When a record was deleted, in microseconds since the Unix epoch; none while it lives.
pub(crate) fn deletion(model: &Model, record: &Record) -> Option<i64> {
    match record.get(model.roles.deleted_at?) {
        Some(Value::Timestamp(time)) => Some(*time),
        _ => None,
    }
}
