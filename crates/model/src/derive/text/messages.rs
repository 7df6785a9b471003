//! The request for one record.

use super::Writer;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_get(&self, text: &mut String) {
        let Self { name, service, google, .. } = self;
        let get = &self.messages.get;
        let _ = write!(
            text,
            "
// The request of {service}.Get{name}. To get related records too, use {service}.BatchGet{plural}.
message {get} {{
  // The id of the record. Required.
  string id = 1;
{read_mask}
  {google}.protobuf.FieldMask read_mask = 2;
{read_time}}}
",
            plural = self.plural_name,
            read_time = self.read_time(),
            read_mask = READ_MASK,
        );
    }
}

/// The comment of `read_mask`.
pub(super) const READ_MASK: &str = "  // The fields to return (AIP-157): field names, with dots for nested fields. Without a mask, or with `*`: all fields.";
