//! The request and the events of a watch.

use super::Writer;
use super::messages::READ_MASK;
use std::fmt::Write as _;

impl Writer<'_> {
    pub(super) fn write_watch_method(&self, text: &mut String) {
        let Self { plural_name, messages, .. } = self;
        let _ = write!(
            text,
            "
  // Streams the changes of the records that match a filter, in commit order. All changes of one transaction are
  // consecutive. A record that starts to match is CREATED; one that no longer matches is REMOVED.
  //
  // INVALID_ARGUMENT if a field of the request is invalid, with the position in the expression (FILTER_INVALID), or if the
  // token is invalid (TOKEN_INVALID). FAILED_PRECONDITION (INDEX_REQUIRED) if the watch starts with all records, the table
  // is large and the filter has no index, with the index to declare. OUT_OF_RANGE (POSITION_GONE) if the token is older
  // than the log, with the oldest valid token. RESOURCE_EXHAUSTED (FOLLOWER_TOO_SLOW) if the caller reads too slowly.
  // UNAVAILABLE (NOT_READY) if the server stops. After the last two, call again with the last received token: no change
  // is lost or repeated.
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
// The request of {service}.Watch{plural_name}.
message {request} {{
  // Watch only the records that match this filter: a CEL expression as in {service}.List{plural_name}, but without
  // relations, `now` and `search`, whose results can change without a change of the record. Empty: all records.
  string filter = 1;
{READ_MASK}
  {google}.protobuf.FieldMask read_mask = 2;
  // The start of the watch. Leave it out with a token.
  {watch}.Start start = 3;
  // Resume after the event with this token; the filter must be the same. Empty: `start` applies.
  string token = 4;
  // Whether UPDATED events include the previous record.
  bool with_previous = 5;
  // With START_INITIAL: allow the watch even if the filter has no index and the table is large. It might take long.
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
  // The kind of the event.
  {watch}.EventKind kind = 1;
  // The current record; with REMOVED, its last state. Absent for SYNCED and BOOKMARK.
  {record} {event} = 2;
  // With UPDATED, if `with_previous` is set: the record before the change.
  {record} previous = 3;
  // With UPDATED: the names of the changed fields.
  {google}.protobuf.FieldMask changed_fields = 4;
  // With REMOVED: the reason.
  {watch}.Removal removal = 5;
  // Resumes the watch after this event.
  string token = 6;
  // The same value for all changes of one transaction, which are consecutive. Empty for the initial records, SYNCED and
  // BOOKMARK.
  string transaction = 7;
  // The time of the change. Absent for the initial records, SYNCED and BOOKMARK.
  {google}.protobuf.Timestamp time = 8;
}}
",
            response = messages.watch_response,
        );
    }
}
