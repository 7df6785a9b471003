//! The operations on records, independent of the protocol.
//!
//! A [`Backend`] runs the operations. This crate defines its requests and results; an adapter per protocol translates to
//! them. This crate does not depend on SQL, gRPC or HTTP.

mod backend;
mod history;
mod page;
mod query;
mod request_id;
mod watch;
mod write;

pub mod limits;

pub use backend::Backend;
pub use history::{HistoryPage, HistoryQuery, RecordRevision};
pub use page::{Included, Page, Total};
pub use query::{AggregateQuery, ListQuery, View, value_name};
pub use request_id::is_request_id;
pub use watch::{Encoded, LazyRecord, WatchEvent, WatchQuery, WatchStream, WrittenEvent};
pub use write::{Form, Operation, Transforms, Write, Writes, Written};
