//! The RPCs UpdateEntity and BatchUpdateEntities: one statement if only the record decides the outcome ([`fast`]),
//! otherwise a transaction ([`transactional`]).

mod fast;
mod merge;
mod transactional;

pub(super) use fast::update;
pub(super) use transactional::run;
