//! The RPCs DeleteEntity and BatchDeleteEntities: one statement if nothing refers to the record ([`fast`]), otherwise a
//! transaction ([`transactional`]) with all records that must be deleted with it.

mod cascade;
mod clear;
mod delete_locked;
mod fast;
mod limits;
mod mode;
mod referring;
mod restrict;
mod roots;
mod transactional;
mod write;

pub(super) use delete_locked::delete_locked;
pub(super) use fast::delete_alone;
pub(crate) use limits::{MAX_CLEARED, MAX_DELETED};
pub(super) use mode::DeleteMode;
pub(super) use restrict::restricts;
pub(super) use roots::Roots;
pub(super) use transactional::run;
pub(super) use write::unmark;
