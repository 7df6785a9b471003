//! Which stored records callers can see: those that are neither soft-deleted nor expired.
//!
//! PostgreSQL's clock decides which records are expired, so that all processes agree. Only models with soft delete or expiry
//! have the fields that this module reads.

use groundplan_codec::{Record, Value};
use groundplan_model::catalog::Model;

/// Returns the SQL condition that a record is not expired, with ` AND ` in front; empty for a model without expiry.
pub fn not_expired(model: &Model, alias: &str) -> String {
    model.roles.expires_at.map_or_else(String::new, |field| {
        let column = model.column_name(field);
        format!(" AND ({alias}.{column} IS NULL OR {alias}.{column} > statement_timestamp())")
    })
}

/// Returns the SQL condition that a record is not deleted, with ` AND ` in front; empty for a model without soft delete.
pub fn not_deleted(model: &Model, alias: &str) -> String {
    model
        .roles
        .deleted_at
        .map_or_else(String::new, |field| format!(" AND {alias}.{} IS NULL", model.column_name(field)))
}

/// Returns the SQL condition that a record is neither deleted nor expired, with ` AND ` in front.
pub fn visible(model: &Model, alias: &str) -> String {
    not_deleted(model, alias) + &not_expired(model, alias)
}

/// Reports whether stored records of a model can be invisible, so that references to them are invalid.
pub fn can_hide_records(model: &Model) -> bool {
    model.soft_delete.is_some() || model.expiry.is_some()
}

/// Returns when a record was deleted, in microseconds since the Unix epoch; `None` if it is not deleted.
pub fn deleted_at(model: &Model, record: &Record) -> Option<i64> {
    match record.get(model.roles.deleted_at?) {
        Some(Value::Timestamp(time)) => Some(*time),
        _ => None,
    }
}
