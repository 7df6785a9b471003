//! Expansion of relations: reads the related records that the response does not already show as a whole, each once.
//!
//! The paths form a tree. Each edge of the tree is one statement, for any number of start records. Cycles are harmless
//! because paths have a limited depth. All results are bounded: beyond a limit, the caller gets an error or a page token,
//! and nothing is omitted silently.

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

/// The most related records of a response, in addition to the requested records.
pub(crate) const MAX_RECORDS: usize = 5_000;

/// The most bytes of the related records on the wire.
pub(crate) const MAX_BYTES: usize = 3 << 20;

/// The bytes before a record in a list of `google.protobuf.Any`, without the name of its model.
const ANY_BYTES: usize = 2 * FRAME_BYTES + "type.googleapis.com/".len() + FRAME_BYTES;

/// Reads the records that the paths lead to. `records` must be of the model of the paths, and have at least the fields of
/// [`Paths::needed`]. The result does not repeat them unless the mask hides some of their fields: a related record is
/// always whole.
pub(crate) async fn included(
    call: &Call<'_>,
    paths: &Paths,
    records: &[Stored],
    mask: &ReadMask,
) -> Result<Included, Error> {
    if paths.is_empty() {
        return Ok(Included::default());
    }
    let mut collected = Collected::for_records(&paths.model, records, *mask == ReadMask::All);
    let continued = walk::walk(call, paths, &mut collected).await?;
    let page_tokens = tokens::page_tokens(call, continued)?;
    Ok(Included { records: collected.into_records(), page_tokens })
}

/// Returns the size of the related records in a response, in bytes.
pub(crate) fn bytes(included: &Included) -> usize {
    let records =
        included.records.iter().flat_map(|(model, records)| records.iter().map(|stored| length(model, stored)));
    let tokens = included.page_tokens.iter().map(|(path, token)| 2 * FRAME_BYTES + path.len() + token.len());
    records.sum::<usize>() + tokens.sum::<usize>()
}

/// Returns the size of a record in a response, in bytes.
fn length(model: &Model, stored: &Stored) -> usize {
    ANY_BYTES + model.full_name.len() + wire::encoded_len(&model.shapes, model.shape, &stored.record)
}
