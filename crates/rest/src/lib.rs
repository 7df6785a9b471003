//! The REST API and OpenAPI document of every model: the only crate that knows HTTP and its JSON envelopes.
//!
//! [`router`] serves a [`Backend`] under `/api`:
//!
//! | path | methods |
//! | --- | --- |
//! | `/api/{version}/{resource}` | GET (list), HEAD, POST (create), OPTIONS |
//! | `/api/{version}/{resource}:batchGet` | POST, OPTIONS |
//! | `/api/{version}/{resource}:batchCreate`, `:batchUpdate`, `:batchDelete` | POST, OPTIONS |
//! | `/api/{version}/{resource}:aggregate` | POST, OPTIONS |
//! | `/api/{version}/{resource}:explainList` | GET, HEAD, OPTIONS |
//! | `/api/{version}/{resource}:watch` | GET (server-sent events), OPTIONS |
//! | `/api/{version}/{resource}/{id}` | GET, HEAD, PATCH, PUT, DELETE, OPTIONS |
//! | `/api/{version}/{resource}/{id}:listRevisions` | GET, HEAD, OPTIONS; of models with a history |
//! | `/api/{version}/{resource}/{id}:undelete` | POST, OPTIONS; of models that keep deleted records |
//! | `/api/{version}/{resource}/{id}/{relation}` | GET (the records that refer to one), HEAD, OPTIONS |
//! | `/api:commit` | POST (writes of any models together), OPTIONS |
//! | `/api/openapi.json` | GET, HEAD, OPTIONS |
//!
//! Responses of reads can also have `nextPageToken`, `totalSize`, `totalSizeIsEstimate`,
//! `included` and `includedPageTokens`, if requested. A `Link` header leads to the next page.
//!
//! A watch is `text/event-stream` and lasts until one side closes it. Each event has its kind as `event`, its token as `id`,
//! and the change as JSON in `data`. The last event can be `error`, with an error envelope. `Last-Event-ID` resumes.
//!
//! Writes take `Idempotency-Key` as a header, or `requestId` in the query or the body: a repeated call gets the first response, with
//! `idempotency-replayed: true`. With `validateOnly` nothing is written, and the response has neither `ETag` nor `Location`.
//! An update without `updateMask`, such as a PATCH, changes the fields whose keys are present; `null` clears a field,
//! and nested messages are replaced as a whole. As `application/merge-patch+json`, a PATCH merges recursively (RFC 7396).
//!
//! Success is `{"data": …}`, and failure is `{"error": {"code", "message", "details"}}`. The header
//! `groundplan-revision` has the revision that served the request. Four statuses have no gRPC equivalent:
//!
//! * 405, code `UNIMPLEMENTED`: the path does not support the HTTP method; `Allow` lists the supported ones;
//! * 412, code `CONFLICT`: `If-Match` or `If-None-Match` is not met (409 for an etag in the body or the query);
//! * 413, code `INVALID_INPUT`, reason `TOO_LARGE`: the body exceeds the limit of [`router`];
//! * 415, code `INVALID_INPUT`: the Content-Type is not JSON; the response to a PATCH has `Accept-Patch`. `application/x-www-form-urlencoded`
//!   is accepted, because it is the default of `curl -d`; the body is parsed as JSON.

mod body;
mod enum_params;
mod etag;
mod input;
mod json_field_paths;
mod link;
mod methods;
mod openapi;
mod parameter_errors;
mod projection;
mod query;
mod request_id;
mod response;
mod rest_error;
mod route;
mod router;
mod target;
mod time;

pub mod limits;

pub use openapi::openapi;
pub use router::router;
