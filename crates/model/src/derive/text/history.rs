//! What is asked of the past states of a record. Only models with a history have any of this.

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
  // Lists the revisions of a record page by page (AIP-162), the newest first: each is what one write made of it. A record
  // that was deleted has them too. They reach back as far as the model's `history` keeps them.
  //
  // NOT_FOUND if there is no record of that id, and no revision either; INVALID_ARGUMENT if it is no id, the mask names
  // what is no field, or the token is not one of this list's.
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
// Asks {service}.List{name}Revisions for a page.
message {list} {{
  // The record's id. Required.
  string id = 1;
  // At most so many revisions: 50 if it is 0; more than 1,000 is taken as 1,000.
  int32 page_size = 2;
  // `next_page_token` of the page before; empty for the first page. `id` must stay as it was.
  string page_token = 3;
{READ_MASK}
  {google}.protobuf.FieldMask read_mask = 4;
}}

// A page of {service}.List{name}Revisions.
message {list_response} {{
  // The revisions of the page, the newest first.
  repeated {revision} revisions = 1;
  // Asks for the page that follows; empty at the end.
  string next_page_token = 2;
}}

// What one write made of a record.
message {revision} {{
  // What the write did.
  {watch}.ChangeKind kind = 1;
  // The record behind the write; with DELETED as it was last.
  {record} {event} = 2;
  // When it was written.
  {google}.protobuf.Timestamp time = 3;
  // The record's etag behind the write.
  string etag = 4;
  // With UPDATED: the fields that changed, by their names.
  {google}.protobuf.FieldMask changed_fields = 5;
  // Who wrote it.
  string principal = 6;
  // The same for all changes of one transaction.
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
            "  // Return the record as it was at this time, as far back as the model's `history` keeps it. Absent: as it is now.
  {}.protobuf.Timestamp read_time = 3;
",
            self.google
        )
    }

    /// How a request for one record in the past is refused.
    pub(super) fn too_old(&self) -> &'static str {
        match self.messages.revisions {
            Some(_) => ";\n  // OUT_OF_RANGE if `read_time` is older than the history",
            None => "",
        }
    }

    /// What requests for one record may not say within a batch.
    pub(super) fn batch_gets(&self) -> &'static str {
        match self.messages.revisions {
            Some(_) => {
                "Their own `read_mask` must be empty: that of the batch counts. So must\n  // `read_time`: a batch is of now."
            }
            None => "Their own `read_mask` must be empty: that of the batch counts.",
        }
    }
}
