//! The service's own tables, as Diesel sees them. The models' tables are not here: they exist only at run time.

diesel::table! {
    /// Random keys of this installation.
    secrets (name) {
        name -> Text,
        value -> Bytea,
    }
}
