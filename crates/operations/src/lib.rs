//! The operations on records, whatever protocol asks for them.
//!
//! [`Backend`] is the service that does them. Its requests and results are the types of this crate; each protocol is an adapter
//! that translates into them. Nothing here knows SQL, gRPC or HTTP.

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
