//! The records that a request deletes, without their cascade.

use crate::operations::write_session::MAX_BYTES;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::Model;
use groundplan_query::id::Id;
use std::fmt;

/// One or more records of one model, all of them locked.
#[derive(Clone, Copy)]
pub(crate) struct Roots<'a> {
    pub(crate) model: &'a Model,
    pub(crate) ids: &'a [Id],
}

impl fmt::Display for Roots<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {:?}", self.model.full_name, self.first())?;
        match self.ids.len() {
            0 | 1 => Ok(()),
            2 => write!(formatter, " and another"),
            more => write!(formatter, " and {} others", more - 1),
        }
    }
}

impl Roots<'_> {
    fn first(&self) -> String {
        self.ids.first().map(ToString::to_string).unwrap_or_default()
    }

    /// Returns an error about these records.
    pub(crate) fn refused(&self, reason: Reason, message: String) -> Error {
        Error::new(reason, message).with_resource(&self.model.full_name, self.first())
    }

    /// Returns the error for more bytes than one transaction is allowed to process.
    pub(crate) fn too_large(&self) -> Error {
        let message = format!(
            "the records that would be deleted with {self}, or changed, have more than {} MiB together; nothing was deleted: \
             delete some of those that refer to it first",
            MAX_BYTES >> 20
        );
        self.refused(Reason::AnswerTooLarge, message)
    }
}
