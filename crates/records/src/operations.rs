//! Operations on records, for all protocols: one file for each call.
//!
//! Each operation first does everything that needs no database. A write finishes with one statement, or with one
//! transaction if other records change too, so that a failed call changes nothing.

pub(crate) mod aggregate;
mod batch_get;
mod conflict;
mod create;
pub(crate) mod delete;
mod deleted;
pub(crate) mod expand;
mod explain_list;
mod get;
mod list;
mod list_related;
mod list_revisions;
mod names;
mod off_thread;
pub(crate) mod purge;
mod reference;
mod refusal;
mod transform;
mod undelete;
mod update;
mod validate;
mod verify;
pub(crate) mod write;
pub(crate) mod write_session;

pub(crate) use aggregate::aggregate;
pub(crate) use batch_get::{Place, batch_get};
pub(crate) use create::{Origin, complete};
pub(crate) use explain_list::explain_list;
pub(crate) use get::get;
pub(crate) use list::{Reading, list};
pub(crate) use list_related::list_related;
pub(crate) use list_revisions::{get_past, list_revisions};
pub(crate) use validate::validate as check;
