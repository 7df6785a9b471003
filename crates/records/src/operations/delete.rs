//! Delete: a record goes, for good, and with it what cannot be without it.

mod clear;
mod doomed;
mod restrict;
mod roots;
mod undelete;
mod write;

use super::conflict::pause;
use super::events::Events;
use super::{get, refusal};
use crate::bind;
use crate::call::Call;
use crate::clock::now;
use crate::etag;
use crate::id::Id;
use crate::stop::Stop;
use diesel_async::AsyncPgConnection;
use doomed::Doomed;
use groundplan_chassis::database::Bind;
use groundplan_codec::Record;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
pub(super) use restrict::restricts;
pub(super) use roots::Roots;
pub(super) use undelete::{Undeleted, undelete_locked};

/// The most records that one delete takes away.
pub(crate) const MAX_DELETED: usize = 10_000;

/// The most references to what goes that one delete clears.
pub(crate) const MAX_CLEARED: usize = 10_000;

/// How often a record is deleted without a lock on it before.
const UNLOCKED_ATTEMPTS: u32 = 3;

/// Deletes a record of a model that nothing refers to, provided that its etag is `etag`, if that is given: it is read, and
/// deleted if it is the same still. Says whether it is: who keeps being overtaken has to lock it.
pub(super) async fn delete_alone(call: &Call<'_>, id: &str, etag: &str) -> Result<bool, Error> {
    let table = &call.table;
    let id = Id::parse(&table.model, id)?;
    let wanted = etag::wanted(etag, &table.model, None)?;
    for attempt in 1..=UNLOCKED_ATTEMPTS {
        let (before, version) = get::read(call, &id).await?;
        if wanted.is_some_and(|wanted| wanted != version) {
            return Err(etag::mismatch(&table.model, &id, version));
        }
        let event = call.author(now()?).deleted(&table.model, &before, version);
        let mut binds = vec![Bind::text(&call.principal.tenant), bind::bind_id(&id), Bind::i64(version)];
        binds.extend(event.into_binds());
        let deleted = call.write(&table.statements.delete, &binds).await?;
        if deleted.map_err(|error| refusal::of_delete(&table.model, error))? > 0 {
            return Ok(true);
        }
        pause(attempt).await;
    }
    Ok(false)
}

/// How records are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    ForGood,
    /// They are marked, and can be undeleted until they are purged.
    Soft,
    /// They are over, and go for good. Nobody asked for it now, so nothing that lives goes with them.
    Purge,
}

impl Manner {
    /// That of a model's deletes.
    pub(super) fn of_model(model: &Model) -> Self {
        if model.soft_delete.is_some() { Self::Soft } else { Self::ForGood }
    }
}

/// Finds and locks all that goes with records that are locked, sees whether it may, and lets it go. Those that stay, deleted
/// softly, are given with their new versions.
///
/// Each statement sees what was committed before it. Once a record is locked nobody can begin to refer to it, so those who
/// refer to it are known for good by the next statement.
pub(super) async fn delete_locked(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    roots: Roots<'_>,
    manner: Manner,
    log: &mut Events<'_>,
) -> Result<Vec<(Record, i64)>, Stop> {
    let doomed = Doomed::find(call, conn, roots, manner).await?;
    restrict::check(call, conn, roots, manner, &doomed).await?;
    match manner {
        Manner::Soft => write::softly(call, conn, roots, &doomed, log).await,
        Manner::ForGood | Manner::Purge => {
            clear::clear(call, conn, roots, &doomed, log).await?;
            write::for_good(call, conn, roots, &doomed, log).await?;
            Ok(Vec::new())
        }
    }
}
