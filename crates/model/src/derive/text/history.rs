//! The methods and messages of a record's history, for models with a history.

use super::Writer;
use super::messages::READ_MASK;
use crate::derive::names::RevisionNames;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_history_method(&self, text: &mut String) {
        let Some(RevisionNames { list, list_response, .. }) = &self.messages.revisions else { return };
        let name = self.name;
        let _ = write!(
            text,
            "
  // Lists the revisions of a record page by page (AIP-162), newest first. Each revision is the record after one write.
  // Deleted records have revisions too. The `history` of the model sets how long revisions are kept.
  //
  // NOT_FOUND (RECORD_NOT_FOUND) if there is neither a record nor a revision with this id. INVALID_ARGUMENT if the id, the
  // mask or the page token is invalid.
  rpc List{name}Revisions({list}) returns ({list_response}) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}
"
        );
    }

    pub(super) fn write_history(&self, text: &mut String) {
        let Some(RevisionNames { list, list_response, revision }) = &self.messages.revisions else { return };
        let Self { name, record, event, service, google, watch, .. } = self;
        let _ = write!(
            text,
            "
// The request of {service}.List{name}Revisions.
message {list} {{
  // The id of the record. Required.
  string id = 1;
  // The maximum number of revisions in the page. 0 means 50; values above 1,000 mean 1,000.
  int32 page_size = 2;
  // The `next_page_token` of the previous page; empty for the first page. `id` must be the same.
  string page_token = 3;
{READ_MASK}
  {google}.protobuf.FieldMask read_mask = 4;
}}

// The response of {service}.List{name}Revisions.
message {list_response} {{
  // The revisions of the page, newest first.
  repeated {revision} revisions = 1;
  // Requests the next page; empty on the last page.
  string next_page_token = 2;
}}

// The result of one write to a record.
message {revision} {{
  // The kind of write.
  {watch}.ChangeKind kind = 1;
  // The record after the write; with DELETED, its last state.
  {record} {event} = 2;
  // The time of the write.
  {google}.protobuf.Timestamp time = 3;
  // The etag of the record after the write.
  string etag = 4;
  // With UPDATED: the names of the changed fields.
  {google}.protobuf.FieldMask changed_fields = 5;
  // The principal that made the change.
  string principal = 6;
  // The same value for all changes of one transaction.
  string transaction = 7;
}}
"
        );
    }

    /// The field of a request for one record that asks for its past.
    pub(super) fn read_time(&self) -> String {
        if self.messages.revisions.is_none() {
            return String::new();
        }
        format!(
            "  // Return the record as of this time, within the `history` of the model. Absent: the current record.
  {}.protobuf.Timestamp read_time = 3;
",
            self.google
        )
    }

    /// The error of a request for one record in the past.
    pub(super) fn too_old(&self) -> &'static str {
        match self.messages.revisions {
            Some(_) => ".\n  // OUT_OF_RANGE (HISTORY_GONE) if `read_time` is older than the history",
            None => "",
        }
    }

    /// The fields that requests within a batch must leave empty.
    pub(super) fn batch_gets(&self) -> &'static str {
        match self.messages.revisions {
            Some(_) => {
                "Their `read_mask` must be empty; set that of the batch. Their\n  // `read_time` must be empty; a batch returns current records."
            }
            None => "Their `read_mask` must be empty; set that of the batch.",
        }
    }
}
