//! The history of a record as JSON.

use super::object::{Object, RECORD_ROOM};
use crate::projection::Projection;
use crate::time;
use groundplan_model::catalog::Model;
use groundplan_operations::RecordRevision;

/// The prefix of the kinds in the `.proto`.
const KIND: &str = "CHANGE_KIND_";

/// Encodes a list of revisions.
pub(crate) fn revisions(model: &Model, shown: Option<&Projection>, revisions: &[RecordRevision]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * RECORD_ROOM * (revisions.len() + 1));
    out.push(b'[');
    for (at, revision) in revisions.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(model, shown, revision, &mut out);
    }
    out.push(b']');
    out
}

fn write(model: &Model, shown: Option<&Projection>, revision: &RecordRevision, out: &mut Vec<u8>) {
    let kind = revision.kind.as_str_name();
    let mut object = Object::new(out);
    object.member("kind", kind.strip_prefix(KIND).unwrap_or(kind));
    object.record("data", model, shown, &revision.stored.record);
    object.member("time", time::format(revision.time));
    object.member("etag", revision.stored.etag.as_str());
    object.fields("changedFields", model, &revision.changed_fields);
    object.member("principal", revision.principal.as_str());
    object.member("transaction", revision.transaction.as_str());
    object.end();
}
