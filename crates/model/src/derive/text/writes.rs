//! What is asked to change one record.

use super::Writer;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_create(&self, text: &mut String) {
        let Self { name, record, singular, service, .. } = self;
        let _ = write!(
            text,
            "
// Asks {service}.Create{name} for a new record.
message {create} {{
  // The record. Required.
  {record} {singular} = 1;
{REQUEST_ID}
  string request_id = 2;
{VALIDATE_ONLY}
  bool validate_only = 3;
}}
",
            create = self.messages.create,
        );
    }

    pub(super) fn write_update(&self, text: &mut String) {
        let Self { name, record, singular, service, id, google, .. } = self;
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
{REQUEST_ID}
  string request_id = 4;
{VALIDATE_ONLY}
  bool validate_only = 5;
  // If there is no record of that id, create it with all that is in `{singular}`, whatever the mask says (AIP-134).
  bool allow_missing = 6;
}}
",
            update = self.messages.update,
        );
    }

    pub(super) fn write_delete(&self, text: &mut String) {
        let Self { name, service, .. } = self;
        let missing = if self.is_soft {
            "  // If there is no record of that id, or it is deleted already, that is no error (AIP-135). Where there is none, the\n  // response is an empty record."
        } else {
            "  // If there is no record of that id, that is no error (AIP-135)."
        };
        let _ = write!(
            text,
            "
// Asks {service}.Delete{name} to delete a record.
message {delete} {{
  // The record's id. Required.
  string id = 1;
  // Delete only if this is the record's etag (AIP-154). Empty: whatever it is.
  string etag = 2;
{REQUEST_ID}
  string request_id = 3;
{VALIDATE_ONLY}
  bool validate_only = 4;
{missing}
  bool allow_missing = 5;
}}
",
            delete = self.messages.delete,
        );
    }

    pub(super) fn write_undelete(&self, text: &mut String) {
        let Some(undelete) = &self.messages.undelete else { return };
        let Self { name, service, .. } = self;
        let _ = write!(
            text,
            "
// Asks {service}.Undelete{name} to bring a deleted record back.
message {undelete} {{
  // The record's id. Required.
  string id = 1;
  // Undelete only if this is the record's etag (AIP-154). Empty: whatever it is.
  string etag = 2;
{REQUEST_ID}
  string request_id = 3;
{VALIDATE_ONLY}
  bool validate_only = 4;
}}
"
        );
    }
}

/// What a `request_id` is.
pub(super) const REQUEST_ID: &str =
    "  // Makes the request happen once, however often it is sent (AIP-155): 1 to 128 visible ASCII characters, such as a UUID,
  // anew for each thing to do. A repeat gets the answer of the first, for 24 hours unless the server is set otherwise; with
  // another content it is INVALID_ARGUMENT, reason REQUEST_ID_REUSED. Empty: each request counts.";

/// What `validate_only` is.
pub(super) const VALIDATE_ONLY: &str =
    "  // Check everything, and write nothing (AIP-163). The response is what it would have been.";
