//! The service's own tables, as `migrations/` makes them in the PostgreSQL schema `groundplan_schema`.

diesel::table! {
    /// Everything that was ever applied, each time whole.
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
    /// What a field is called in the database, for ever.
    storage_names (message, number) {
        message -> Text,
        number -> Integer,
        name -> Text,
        first_revision -> BigInt,
    }
}

diesel::table! {
    /// The `records` processes, as they last reported.
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
