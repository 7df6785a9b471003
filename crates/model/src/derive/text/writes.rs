//! The requests that change one record.

use super::Writer;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_create(&self, text: &mut String) {
        let Self { name, record, singular, service, .. } = self;
        let _ = write!(
            text,
            "
// The request of {service}.Create{name}.
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
                "  // Update only if this is the etag of the record (AIP-154), like `{singular}.{etag}`. Empty: any etag."
            ),
            None => "  // Update only if this is the etag of the record, from the response metadata `etag` (AIP-154).\n  // Empty: any etag."
                .to_owned(),
        };
        let _ = write!(
            text,
            "
// The request of {service}.Update{name}.
message {update} {{
  // The new values of the record. Required, including `{id}`, which selects the record and cannot be changed.
  {record} {singular} = 1;
  // The fields to change (AIP-161): field names, with dots for nested fields. A field in the mask that is absent in
  // `{singular}` is cleared. Without a mask, the fields that are set in `{singular}` are changed; `*` replaces the whole
  // record. Fields that only the server sets do not change, even if the mask contains them.
  {google}.protobuf.FieldMask update_mask = 2;
{etag}
  string etag = 3;
{REQUEST_ID}
  string request_id = 4;
{VALIDATE_ONLY}
  bool validate_only = 5;
  // If no record has this id, create it from all fields of `{singular}`, regardless of the mask (AIP-134).
  bool allow_missing = 6;
}}
",
            update = self.messages.update,
        );
    }

    pub(super) fn write_delete(&self, text: &mut String) {
        let Self { name, service, .. } = self;
        let missing = if self.is_soft {
            "  // Succeed if no record has this id or the record is already deleted (AIP-135). If there is no record, the response is\n  // an empty record."
        } else {
            "  // Succeed if no record has this id (AIP-135)."
        };
        let _ = write!(
            text,
            "
// The request of {service}.Delete{name}.
message {delete} {{
  // The id of the record. Required.
  string id = 1;
  // Delete only if this is the etag of the record (AIP-154). Empty: any etag.
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
// The request of {service}.Undelete{name}.
message {undelete} {{
  // The id of the record. Required.
  string id = 1;
  // Undelete only if this is the etag of the record (AIP-154). Empty: any etag.
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

/// The comment of `request_id`.
pub(super) const REQUEST_ID: &str =
    "  // Makes the request idempotent (AIP-155): 1 to 128 visible ASCII characters, such as a UUID, different for each
  // operation. A repeated request returns the response of the first one, for 24 hours by default. With different content
  // it is INVALID_ARGUMENT (REQUEST_ID_REUSED). Empty: every request is executed.";

/// The comment of `validate_only`.
pub(super) const VALIDATE_ONLY: &str =
    "  // Validate the request without writing anything (AIP-163). The response is the same as for a write.";
