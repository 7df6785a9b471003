//! The RPC UndeleteEntity: always in a transaction, because other records come back with the record.

mod transactional;
mod undelete_locked;

pub(super) use transactional::run;
