//! The REST API and OpenAPI document of every model: the only crate that knows HTTP and its JSON envelopes.
//!
//! [`router`] answers under `/api` for whatever [`Backend`] stands behind it:
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
//! Beside the data of lists, and of records that are read, stand `nextPageToken`, `totalSize`, `totalSizeIsEstimate`,
//! `included` and `includedPageTokens`, as far as they were asked for. A `Link` header leads to the next page.
//!
//! A watch is `text/event-stream` and lasts until one side ends it: each event has its kind as `event`, its token as `id`,
//! and the change as JSON in `data`. The last one may be `error`, with the envelope of a failure. `Last-Event-ID` resumes.
//!
//! Writes take `Idempotency-Key` as a header, or `requestId` in the query or the body: a repeat gets the first answer, with
//! `idempotency-replayed: true`. With `validateOnly` nothing is written, and the answer has neither `ETag` nor `Location`.
//! An update without `updateMask`, such as a PATCH, changes the fields whose keys are in its record; `null` clears one
//! and messages inside are replaced whole. As `application/merge-patch+json` a PATCH merges at every depth (RFC 7396).
//!
//! Success is `{"data": …}`, failure is `{"error": {"code", "message", "details"}}`, and every answer says by
//! `groundplan-revision` which revision gave it. Four statuses are HTTP's own and have no gRPC twin:
//!
//! * 405, code `UNIMPLEMENTED`: the path exists, the method does not; `Allow` lists those that do;
//! * 412, code `CONFLICT`: `If-Match` or `If-None-Match` does not hold (an etag in the body or the query that does not: 409);
//! * 413, code `INVALID_INPUT`, reason `TOO_LARGE`: the body is larger than what [`router`] was given;
//! * 415, code `INVALID_INPUT`: the body is said to be something other than JSON; a PATCH answers with `Accept-Patch`. `application/x-www-form-urlencoded`
//!   passes, because plain `curl -d` says so of everything; the body is parsed as JSON all the same.

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
