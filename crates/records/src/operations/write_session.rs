//! One attempt to run the writes of a request in one transaction: the parts that all kinds of writes share.

mod condition;
mod events;
mod locks;
mod parked;
mod planned;
mod references;
mod response_size;
mod session;
mod statements;
mod write_path;

pub(crate) use condition::check;
pub(crate) use events::{Events, MAX_BYTES};
pub(crate) use parked::OfModel;
pub(crate) use planned::{Action, Change, Planned, ids_of, within_first};
pub(crate) use references::{Made, Maker};
pub(crate) use response_size::{check_size, response_capacity};
pub(crate) use session::{Lock, Session};
pub(crate) use statements::{insert, parts, update};
pub(crate) use write_path::WritePath;
