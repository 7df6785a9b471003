//! The kinds of requests.

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Operation {
    /// One record by its id
    Get,
    /// A page of 20 of the 100 records that have a name
    List,
    /// A new record
    Create,
    /// Another name and number for a record, by its etag
    Update,
}
