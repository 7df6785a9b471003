//! The results of a commit as JSON.

use super::object::{Object, RECORD_ROOM};
use groundplan_model::catalog::Model;
use groundplan_operations::Written;
use std::sync::Arc;

/// Encodes `{"data": {"results": […], "attempts": 1}}`, in the order of the writes. `models` has the model of each write.
pub(crate) fn committed(models: &[Arc<Model>], written: &Written) -> Vec<u8> {
    let mut out = Vec::with_capacity(RECORD_ROOM * (models.len() + 1));
    out.extend_from_slice(b"{\"data\":{\"results\":[");
    for (at, (model, stored)) in models.iter().zip(&written.records).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let mut object = Object::new(&mut out);
        if let Some(stored) = stored {
            object.typed_record("record", model, &stored.record);
            object.member("etag", stored.etag.as_str());
        }
        object.end();
    }
    out.extend_from_slice(format!("],\"attempts\":{}}}}}", written.attempts).as_bytes());
    out
}
