//! The RPCs UpdateEntity and BatchUpdateEntities: by one statement where the record alone decides ([`fast`]), else in a transaction
//! ([`transactional`]).

mod fast;
mod merge;
mod transactional;

pub(super) use fast::update;
pub(super) use transactional::run;
