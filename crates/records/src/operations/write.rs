//! Writes, as all protocols ask for them.

use super::{Call, create, delete, update};
use groundplan_error::{Error, Reason};
use groundplan_rest::{Operation, Write, Writes, Written};

/// Writes records: all that is asked for, or nothing.
pub(crate) async fn write(call: &Call<'_>, writes: Writes) -> Result<Written, Error> {
    let Ok([Write { operation, .. }]) = <[Write; 1]>::try_from(writes.list) else {
        return Err(Error::new(Reason::NotSupported, "several writes together are not there yet"));
    };
    let stored = match operation {
        Operation::Create { record, .. } => Some(create::create(call, record).await?),
        Operation::Update { id, update, mask, etag, .. } => {
            Some(update::update(call, &id, update, &mask, &etag).await?)
        }
        Operation::Delete { id, etag, .. } => {
            delete::delete(call, &id, &etag).await?;
            None
        }
        Operation::Undelete { .. } | Operation::Verify { .. } => {
            return Err(Error::new(Reason::NotSupported, "this write is not there yet"));
        }
    };
    Ok(Written { records: vec![stored], attempts: 1, is_repeat: false })
}
