//! The operations for changes of records: watches and histories.

use super::{OfModel, Operation, json_response, link};
use crate::enum_params::START;
use crate::limits::MAX_EVENT_ID;
use crate::openapi::envelopes::Envelope;
use crate::openapi::example::{self, Purpose};
use crate::openapi::headers::{header, revision};
use crate::openapi::queries::{self, parameter};
use groundplan_model::catalog::{MethodKind, Model};
use groundplan_operations::limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE};
use serde_json::{Value, json};

/// An example token, which is opaque to clients.
const TOKEN: &str = "AZgfTFt-ejw";
const TIME: &str = "2026-01-31T12:00:00Z";
const TRANSACTION: &str = "8412";

const WATCH: &str = "\
The response is a stream of server-sent events (`EventSource` in browsers), which lasts until the client or the server closes it. The `event` of each event is its kind: \
CREATED (a record matches now and did not before), UPDATED, REMOVED (a record no longer matches), SYNCED (with start=INITIAL: all matching records have been sent) or BOOKMARK \
(nothing happened up to this token). The `id` is a token: to resume after it, send it as the header Last-Event-ID, as browsers do automatically, or as `token`. \
The `data` is JSON on one line. If the server ends the stream, the last event is `error`, with an `{\"error\": {…}}` envelope as data. Call again with the last \
token: no change is lost or repeated.";

impl OfModel<'_> {
    pub(super) fn watch(&self) -> Value {
        let summary = format!("Streams the changes of {}.", self.model.plural);
        let mut operation = self.operation(Operation::Method(MethodKind::Watch), summary, &[404, 410]);
        operation["description"] = WATCH.into();
        // Tools that call every operation would wait for the end of this stream.
        operation["x-groundplan-streams"] = true.into();
        operation["parameters"] = watch_parameters(self.model).into();
        operation["responses"]["200"] = json!({
            "description": "The events.",
            "headers": {
                "groundplan-revision": revision(),
                "Cache-Control": header("Always `no-store`.", json!({ "type": "string" })),
            },
            "content": { "text/event-stream": {
                "schema": { "type": "string" },
                "example": self.event(),
                // OpenAPI 3.1 has no keyword for the schema of an event's data.
                "x-groundplan-event-data": Envelope::Event.reference(self.model),
            } },
        });
        operation
    }

    /// The history of one record.
    pub(super) fn revisions(&self) -> Value {
        let summary = format!("Lists the revisions of {}, newest first, page by page.", self.a_record());
        let mut operation = self.operation(Operation::Method(MethodKind::ListRevisions), summary, &[404, 410]);
        operation["parameters"] = revisions_parameters(self.model).into();
        let revision = json!({
            "kind": "CREATED", "data": self.example(), "time": TIME, "etag": example::ETAG, "principal": "root",
            "transaction": TRANSACTION,
        });
        let example = json!({ "data": [revision], "nextPageToken": "" });
        let mut page = json_response("A page of revisions.", Envelope::History.reference(self.model), example);
        page["headers"]["Link"] = link();
        operation["responses"]["200"] = page;
        operation
    }

    fn event(&self) -> String {
        let data = json!({ "data": self.example(), "transaction": TRANSACTION, "time": TIME });
        format!("retry: 1000\n\nevent: CREATED\nid: {TOKEN}\ndata: {data}\n\n")
    }

    fn example(&self) -> Value {
        example::record(self.catalog, self.model, Purpose::Output)
    }
}

/// The parameter `readTime`.
pub(super) fn read_time(model: &Model) -> Option<Value> {
    let days = model.history?.retention_days;
    let description = format!(
        "Return the record as of this time, within the history of at most {days} days. An older time is 410. Default: the current record."
    );
    Some(parameter("readTime", &description, json!({ "type": "string", "format": "date-time" }), Value::Null))
}

fn watch_parameters(model: &Model) -> Vec<Value> {
    let start = json!({ "type": "string", "enum": START.names() });
    let flag = json!({ "type": "boolean" });
    vec![
        json!({
            "name": "Last-Event-ID", "in": "header", "schema": { "type": "string", "maxLength": MAX_EVENT_ID },
            "description": "Resume after the event with this id. It takes precedence over `start` and `token`.",
        }),
        queries::filter(model),
        queries::mask(model),
        parameter(
            "start",
            "The start of the watch: now, or with all matching records. Default: now. Leave it out with a token.",
            start,
            "INITIAL".into(),
        ),
        parameter(
            "token",
            "Resume after the event with this id; the filter must be the same.",
            json!({ "type": "string" }),
            Value::Null,
        ),
        parameter("withPrevious", "Whether UPDATED events include the previous record.", flag.clone(), true.into()),
        parameter(
            "allowScan",
            "Whether a start with all records is allowed if the filter has no index and the table is large. It might take long.",
            flag,
            true.into(),
        ),
    ]
}

fn revisions_parameters(model: &Model) -> Vec<Value> {
    let size = format!(
        "The maximum number of revisions in the page. 0 means {DEFAULT_PAGE_SIZE}; values above {MAX_PAGE_SIZE} mean {MAX_PAGE_SIZE}."
    );
    let token = "The nextPageToken of the previous page.";
    vec![
        parameter("pageSize", &size, queries::number(i32::MAX), 10.into()),
        parameter("pageToken", token, json!({ "type": "string" }), Value::Null),
        queries::mask(model),
    ]
}
