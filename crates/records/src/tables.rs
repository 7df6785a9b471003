//! The service's own tables, as Diesel sees them. The models' tables are not here: they exist only at run time.

diesel::table! {
    /// Revisions whose tables, columns and indexes are complete.
    prepared (revision) {
        revision -> Int8,
        digest -> Bytea,
    }
}

diesel::table! {
    /// Random keys of this installation.
    secrets (name) {
        name -> Text,
        value -> Bytea,
    }
}
