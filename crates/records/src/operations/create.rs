//! The RPCs CreateEntity and BatchCreateEntities: by one statement where the record alone decides ([`fast`]), else in a transaction
//! ([`transactional`]).

mod complete;
mod fast;
mod transactional;

pub(crate) use complete::{Origin, complete};
pub(super) use fast::create;
pub(super) use transactional::{ReadyRecord, guarded, insert, run};
