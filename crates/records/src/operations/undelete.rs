//! The RPC UndeleteEntity. It always runs in a transaction, because other records are undeleted with the record.

mod transactional;
mod undelete_locked;

pub(super) use transactional::run;
