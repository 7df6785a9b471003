//! What relations lead to: the records beside those that the answer shows as a whole, each once.
//!
//! The paths make a tree, and each of its edges is one statement, however many records it starts from. Cycles end because
//! paths have an end. All of it is bounded, and what is beyond a bound is refused or has a page token, never left out.

mod collected;
mod paths;
mod related_token;
mod tokens;
mod walk;

pub(crate) use paths::Paths;

use crate::call::Call;
use crate::streamed::FRAME_BYTES;
use collected::Collected;
use groundplan_codec::mask::ReadMask;
use groundplan_codec::{Stored, wire};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::Included;
use groundplan_operations::limits::{MAX_EXPAND_DEPTH, MAX_EXPAND_PATHS, MAX_EXPANDED};

/// The most records beside those that were asked for.
pub(crate) const MAX_RECORDS: usize = 5_000;

/// The most bytes that these records have on the wire.
pub(crate) const MAX_BYTES: usize = 3 << 20;

/// The bytes that stand before a record in a list of `google.protobuf.Any`, without the name of its model.
const ANY_BYTES: usize = 2 * FRAME_BYTES + "type.googleapis.com/".len() + FRAME_BYTES;

/// Reads what the paths lead to from records of the model of the paths. The records need to have at least the fields
/// [`Paths::needed`]. They are not repeated, unless the mask hides part of them: what a relation leads to is there as a
/// whole.
pub(crate) async fn included(
    call: &Call<'_>,
    paths: &Paths,
    records: &[Stored],
    mask: &ReadMask,
) -> Result<Included, Error> {
    if paths.is_empty() {
        return Ok(Included::default());
    }
    let mut collected = Collected::beside(&paths.model, records, *mask == ReadMask::All);
    let continued = walk::walk(call, paths, &mut collected).await?;
    let page_tokens = tokens::page_tokens(call, continued)?;
    Ok(Included { records: collected.into_records(), page_tokens })
}

/// How long the related records are in an answer.
pub(crate) fn bytes(included: &Included) -> usize {
    let records =
        included.records.iter().flat_map(|(model, records)| records.iter().map(|stored| length(model, stored)));
    let tokens = included.page_tokens.iter().map(|(path, token)| 2 * FRAME_BYTES + path.len() + token.len());
    records.sum::<usize>() + tokens.sum::<usize>()
}

/// How long a record is in an answer.
fn length(model: &Model, stored: &Stored) -> usize {
    ANY_BYTES + model.full_name.len() + wire::encoded_len(&model.shapes, model.shape, &stored.record)
}
