//! What is asked of a watch, and its events.

use super::Writer;
use super::messages::READ_MASK;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_watch_method(&self, text: &mut String) {
        let Self { plural_name, messages, .. } = self;
        let _ = write!(
            text,
            "
  // Streams the changes of the records that match a filter, in the order in which they were committed: all changes of one
  // transaction come together. A record that comes to match is CREATED, one that no longer does is REMOVED.
  //
  // INVALID_ARGUMENT if a field of the request is wrong, with the place in the expression, or the token is not one of this
  // watch's; FAILED_PRECONDITION if it begins with all records, the table is large and no index serves the filter, with the
  // index to declare; OUT_OF_RANGE if the token is older than the log, with the oldest token there is; RESOURCE_EXHAUSTED
  // if the caller reads too slowly; UNAVAILABLE if the server stops. After the last two, call again with the last token
  // that was received: nothing is lost, and nothing comes twice.
  rpc Watch{plural_name}({request}) returns (stream {response}) {{
    option idempotency_level = NO_SIDE_EFFECTS;
  }}
",
            request = messages.watch,
            response = messages.watch_response,
        );
    }

    pub(super) fn write_watch(&self, text: &mut String) {
        self.write_watch_request(text);
        self.write_watch_response(text);
    }

    fn write_watch_request(&self, text: &mut String) {
        let Self { plural_name, service, google, watch, messages, .. } = self;
        let _ = write!(
            text,
            "
// Asks {service}.Watch{plural_name} for changes.
message {request} {{
  // Which records: a CEL expression as in {service}.List{plural_name}, but without relations, `now` and `search`, which
  // change without a change of the record. Empty: all.
  string filter = 1;
{READ_MASK}
  {google}.protobuf.FieldMask read_mask = 2;
  // Where to begin. Leave it out with a token.
  {watch}.Start start = 3;
  // Go on behind the event that had this token, with the same filter. Empty: begin as `start` says.
  string token = 4;
  // Whether UPDATED brings the record as it was before.
  bool with_previous = 5;
  // With START_INITIAL: go on even if no index serves the filter and the table is large. It may take long.
  bool allow_scan = 6;
}}
",
            request = messages.watch,
        );
    }

    fn write_watch_response(&self, text: &mut String) {
        let Self { plural_name, service, record, event, google, watch, messages, .. } = self;
        let _ = write!(
            text,
            "
// One event of {service}.Watch{plural_name}.
message {response} {{
  // What it says.
  {watch}.EventKind kind = 1;
  // The record as it is now; with REMOVED as it was last. None for SYNCED and BOOKMARK.
  {record} {event} = 2;
  // With UPDATED, if `with_previous` is set: the record as it was before.
  {record} previous = 3;
  // With UPDATED: the fields that changed, by their names.
  {google}.protobuf.FieldMask changed_fields = 4;
  // With REMOVED: why.
  {watch}.Removal removal = 5;
  // Resumes the watch behind this event.
  string token = 6;
  // The same for all changes of one transaction, which follow each other; empty for what was there when the watch began,
  // SYNCED and BOOKMARK.
  string transaction = 7;
  // When the change was written. None for what was there when the watch began, SYNCED and BOOKMARK.
  {google}.protobuf.Timestamp time = 8;
}}
",
            response = messages.watch_response,
        );
    }
}
