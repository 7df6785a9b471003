//! The service's tables, as `migrations/` creates them in the PostgreSQL schema `groundplan_schema`.

diesel::table! {
    /// All applied revisions, each complete.
    revisions (number) {
        number -> BigInt,
        state -> SmallInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        descriptor_set -> Binary,
        steps -> Jsonb,
        failure -> Nullable<Text>,
        lease_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// The permanent names of fields in the database.
    storage_names (message, number) {
        message -> Text,
        number -> Integer,
        name -> Text,
        first_revision -> BigInt,
    }
}

diesel::table! {
    /// The last report of each `records` process.
    followers (id) {
        id -> Text,
        serving -> BigInt,
        preparing -> BigInt,
        steps_done -> Integer,
        message -> Text,
        done -> Bool,
        failure -> Text,
        seen_at -> Timestamptz,
    }
}
