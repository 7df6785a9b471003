//! The RPCs CreateEntity and BatchCreateEntities: one statement if only the record decides the outcome ([`fast`]),
//! otherwise a transaction ([`transactional`]).

mod complete;
mod fast;
mod transactional;

pub(crate) use complete::{Origin, complete};
pub(super) use fast::create;
pub(super) use transactional::{ReadyRecord, guarded, insert, run};
