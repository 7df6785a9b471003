//! The kinds of requests.

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Operation {
    /// Read a record by its id
    Get,
    /// List a page of 20 of the 100 records that have the same name
    List,
    /// Create a record
    Create,
    /// Update the name and the number of a record, with its etag
    Update,
}
