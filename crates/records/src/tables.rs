//! The Diesel schema of the service's tables. The tables of models exist only at run time.

diesel::table! {
    /// Random keys that all processes of the installation share.
    secrets (name) {
        name -> Text,
        value -> Bytea,
    }
}
