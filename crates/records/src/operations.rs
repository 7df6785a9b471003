//! What can be done with records, whatever protocol asks: one file a call.
//!
//! Each begins with what needs no database. Writes end with one statement, or with one transaction where other records
//! change too, so that a refused call has changed nothing.

pub(crate) mod aggregate;
mod apart;
mod batch_get;
mod conflict;
mod create;
pub(crate) mod delete;
mod deleted;
mod explain;
mod get;
mod list;
mod names;
pub(crate) mod purge;
mod reference;
mod refusal;
mod revisions;
pub(crate) mod streamed;
mod update;
mod validate;
pub(crate) mod write;

pub(crate) mod events;
pub(crate) mod expand;

pub(crate) use aggregate::aggregate;
pub(crate) use batch_get::{Place, batch_get};
pub(crate) use create::{Origin, complete};
pub(crate) use explain::explain_list;
pub(crate) use get::get;
pub(crate) use list::{Reading, list, list_related};
pub(crate) use revisions::{get_past, list_revisions};
pub(crate) use validate::validate as check;
