//! `GetRevision`: returns one revision with its descriptors.

use crate::convert;
use crate::service::Schema;
use crate::store::{revisions, storage_names};
use groundplan_error::{Error, Reason};
use groundplan_proto::schema::v1::{GetRevisionRequest, Revision};

pub(super) async fn get_revision(schema: &Schema, request: GetRevisionRequest) -> Result<Revision, Error> {
    let number = request.number;
    if number < 0 {
        return Err(Error::field("number", "int64.gte", "must not be negative"));
    }
    find_revision(schema, number).await?.ok_or_else(|| match number {
        0 => Error::new(Reason::RevisionNotFound, "no models have been applied yet; apply models first"),
        number => Error::new(Reason::RevisionNotFound, format!("revision {number} does not exist")),
    })
}

/// Finds a revision and the names that it knows; 0 is the live revision.
async fn find_revision(schema: &Schema, number: i64) -> Result<Option<Revision>, Error> {
    let revision = schema.query(async |connection| {
        let row = match number {
            0 => revisions::find_live(connection).await?,
            number => revisions::find(connection, number).await?,
        };
        let Some(revision) = row else { return Ok(None) };
        let names = storage_names::list_up_to(connection, revision.number).await?;
        Ok(Some((revision, names)))
    });
    Ok(revision.await?.map(|(revision, names)| convert::revision(revision, names)))
}
