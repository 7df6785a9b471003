//! The digest of a request's writes. It depends only on the content, not on the encoding, the protocol or the revision of
//! the models. It distinguishes a repeat from another call with the same request id.

use groundplan_codec::mask::UpdateMask;
use groundplan_codec::{Record, wire};
use groundplan_model::catalog::Model;
use groundplan_model::shape::Kind;
use groundplan_operations::{Operation, Transforms, Writes};
use sha2::{Digest as _, Sha256};

/// Returns the digest of writes.
pub(crate) fn of_writes(writes: &Writes) -> [u8; 32] {
    let mut digest = Parts(Sha256::new());
    digest.flag(writes.is_serializable);
    for write in &writes.list {
        digest.text(&write.model.full_name);
        digest.text(&write.condition);
        digest.operation(&write.model, &write.operation);
    }
    digest.0.finalize().into()
}

/// Digested parts, each after its length.
struct Parts(Sha256);

impl Parts {
    fn operation(&mut self, model: &Model, operation: &Operation) {
        match operation {
            Operation::Create { record, local_ref } => {
                self.text("create").record(model, record).text(local_ref);
            }
            Operation::Update { id, update, mask, transforms, etag, allow_missing } => {
                self.text("update").text(id).record(model, update).mask(model, mask).transforms(transforms);
                self.text(etag).flag(*allow_missing);
            }
            Operation::Delete { id, etag, allow_missing } => {
                self.text("delete").text(id).text(etag).flag(*allow_missing);
            }
            Operation::Undelete { id, etag } => {
                self.text("undelete").text(id).text(etag);
            }
            Operation::Verify { id, etag, is_missing } => {
                self.text("verify").text(id).text(etag).flag(*is_missing);
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.bytes(&[u8::from(flag)])
    }

    /// Adds a record by its field numbers, with its maps sorted.
    fn record(&mut self, model: &Model, record: &Record) -> &mut Self {
        let mut bytes = Vec::new();
        wire::encode(&model.shapes, model.shape, record, &mut bytes);
        self.bytes(&bytes)
    }

    /// Adds a mask by its field numbers.
    fn mask(&mut self, model: &Model, mask: &UpdateMask) -> &mut Self {
        let paths = match mask {
            UpdateMask::All => return self.text("*"),
            UpdateMask::Populated => return self.text(""),
            UpdateMask::Merge(merge) => return self.text("merge").text(&merge.canonical(&model.shapes, model.shape)),
            UpdateMask::Paths(paths) => paths,
        };
        let mut numbers = Vec::new();
        for path in paths {
            let mut shape = model.shape();
            for step in path.steps() {
                let field = shape.field(*step);
                numbers.extend(field.number.to_be_bytes());
                if let Kind::Message(inner) = field.kind {
                    shape = model.shapes.get(inner);
                }
            }
            numbers.extend([0; 4]);
        }
        self.bytes(&numbers)
    }

    fn transforms(&mut self, transforms: &Transforms) -> &mut Self {
        let Transforms { increment, append, remove, maximum, minimum, server_time } = transforms;
        for list in [increment, append, remove, maximum, minimum, server_time] {
            self.bytes(&(list.len() as u64).to_be_bytes());
            for path in list {
                self.text(path);
            }
        }
        self
    }
}
