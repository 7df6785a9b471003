//! What is asked of one record.

use super::Writer;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_create(&self, text: &mut String) {
        let Self { name, record, singular, service, .. } = self;
        let create = &self.messages.create;
        let _ = write!(
            text,
            "
// Asks {service}.Create{name} for a new record.
message {create} {{
  // The record. Required.
  {record} {singular} = 1;
}}
"
        );
    }

    pub(super) fn write_get(&self, text: &mut String) {
        let Self { name, service, google, .. } = self;
        let get = &self.messages.get;
        let _ = write!(
            text,
            "
// Asks {service}.Get{name} for one record. Related records come with {service}.BatchGet{plural}.
message {get} {{
  // The record's id. Required.
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

    pub(super) fn write_update(&self, text: &mut String) {
        let Self { name, record, singular, service, id, google, .. } = self;
        let update = &self.messages.update;
        let etag = match &self.etag {
            Some(etag) => format!(
                "  // Update only if this is the record's etag (AIP-154); `{singular}.{etag}` says the same. Empty: whatever it is."
            ),
            None => "  // Update only if this is the record's etag, which the response's metadata `etag` carries (AIP-154).\n  // Empty: whatever it is."
                .to_owned(),
        };
        let _ = write!(
            text,
            "
// Asks {service}.Update{name} to change a record.
message {update} {{
  // The record's new values. Required, and so is its `{id}`, which names the record and cannot be changed.
  {record} {singular} = 1;
  // What to change (AIP-161): names of fields, nested ones with dots. A field that is named but absent in `{singular}` is
  // cleared. Without a mask, the fields that are set in `{singular}` are changed; `*` replaces the whole record. What only
  // the server sets stays as it is, whatever the mask says.
  {google}.protobuf.FieldMask update_mask = 2;
{etag}
  string etag = 3;
}}
"
        );
    }

    pub(super) fn write_delete(&self, text: &mut String) {
        let Self { name, service, .. } = self;
        let delete = &self.messages.delete;
        let _ = write!(
            text,
            "
// Asks {service}.Delete{name} to delete a record.
message {delete} {{
  // The record's id. Required.
  string id = 1;
  // Delete only if this is the record's etag (AIP-154). Empty: whatever it is.
  string etag = 2;
}}
"
        );
    }
}

/// What a `read_mask` is.
pub(super) const READ_MASK: &str =
    "  // Which fields to return (AIP-157): names of fields, nested ones with dots. Without a mask, or with `*`: all.";
