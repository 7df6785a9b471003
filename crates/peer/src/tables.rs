//! The tables.

use crate::stubs;
use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use prost_types::Timestamp;
use uuid::Uuid;

/// The tenant of all rows.
pub(crate) const TENANT: &str = "default";

diesel::table! {
    peer.entity (_tenant, id) {
        _tenant -> Text,
        _version -> BigInt,
        id -> Uuid,
        field1 -> Text,
        field2 -> Double,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

/// A row, without its tenant.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = entity, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Row {
    #[diesel(column_name = _version)]
    pub(crate) version: i64,
    pub(crate) id: Uuid,
    pub(crate) field1: String,
    pub(crate) field2: f64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Row {
    /// The message, and the version for the etag.
    pub(crate) fn into_message(self) -> (stubs::Entity, i64) {
        let message = stubs::Entity {
            id: self.id.to_string(),
            field1: self.field1,
            field2: self.field2,
            created_at: Some(timestamp(self.created_at)),
            updated_at: Some(timestamp(self.updated_at)),
        };
        (message, self.version)
    }
}

/// A time as protobuf has it.
pub(crate) fn timestamp(time: DateTime<Utc>) -> Timestamp {
    // A leap second has more nanoseconds than fit; the database has none.
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default();
    Timestamp { seconds: time.timestamp(), nanos }
}
