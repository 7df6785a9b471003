//! Writes of the backend in memory: it compares etags and checks nothing else.

use super::Memory;
use groundplan_codec::{Stored, Value};
use groundplan_error::Error;
use groundplan_operations::{Operation, Write};

impl Memory {
    /// Applies one write.
    pub(super) fn write_one(&self, Write { model, operation, .. }: Write) -> Result<Option<Stored>, Error> {
        let given = |etag: &str| Some(etag.to_owned()).filter(|etag| !etag.is_empty());
        match operation {
            Operation::Create { record, .. } => {
                let id = match record.get(model.roles.id) {
                    Some(Value::String(id)) => id.clone(),
                    _ => format!("00000000-0000-7000-8000-{:012}", self.records.lock().unwrap().len()),
                };
                if id == "broken" {
                    return Err(Error::internal("disk on fire"));
                }
                Ok(Some(self.put(&model, &id, record, 10)))
            }
            Operation::Update { id, update, allow_missing: true, .. } if self.checked(&model, &id, None).is_err() => {
                Ok(Some(self.put(&model, &id, update, 10)))
            }
            Operation::Update { id, update, mask, etag, .. } => {
                let (mut record, version) = self.checked(&model, &id, given(&etag).as_deref())?;
                mask.apply(&model.shapes, model.shape, &mut record, update);
                Ok(Some(self.put(&model, &id, record, version + 1)))
            }
            Operation::Delete { id, allow_missing: true, .. } if self.checked(&model, &id, None).is_err() => Ok(None),
            Operation::Delete { id, etag, .. } => {
                let (record, version) = self.checked(&model, &id, given(&etag).as_deref())?;
                if model.soft_delete.is_some() {
                    return Ok(Some(self.put(&model, &id, record, version + 1)));
                }
                self.records.lock().unwrap().remove(&(model.full_name.clone(), id));
                Ok(None)
            }
            Operation::Undelete { id, etag } => {
                let (record, version) = self.checked(&model, &id, given(&etag).as_deref())?;
                Ok(Some(self.put(&model, &id, record, version + 1)))
            }
            Operation::Verify { id, etag, is_missing } => match self.checked(&model, &id, given(&etag).as_deref()) {
                Err(error) if !is_missing => Err(error),
                _ => Ok(None),
            },
        }
    }
}
