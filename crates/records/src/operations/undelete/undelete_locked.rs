//! Undeletes a record, with the records that were deleted with it.

use crate::call::Call;
use crate::operations::delete::{MAX_DELETED, unmark};
use crate::operations::names;
use crate::operations::write_session::Events;
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql};
use groundplan_codec::Record;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::OnDelete;
use groundplan_query::id::Id;
use groundplan_query::visibility;
use std::collections::VecDeque;
use std::sync::Arc;

/// The undeleted records.
pub(crate) struct Undeleted {
    /// The requested record, with its new version.
    pub(crate) root: (Record, i64),
    /// The records that were undeleted with it.
    pub(crate) others: Vec<(Arc<Table>, Id)>,
}

/// Undeletes a locked record. Records that refer to it with CASCADE and have the same deletion time were deleted with it:
/// they are undeleted too, unless they have expired. The caller must check that all records that these refer to exist.
pub(crate) async fn undelete_locked(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    (id, record, version): (&Id, Record, i64),
    log: &mut Events<'_>,
) -> Result<Undeleted, TxError> {
    let time = visibility::deleted_at(&call.table.model, &record).unwrap_or_default();
    let back = unmark(call, conn, (&call.table, &[(record, version)]), log).await?;
    let root = back.into_iter().next().ok_or_else(|| Error::internal("an undeleted record is nowhere"))?;
    let mut others = Vec::new();
    let mut open: VecDeque<(Arc<Table>, Vec<Id>)> = VecDeque::from([(call.table.clone(), vec![id.clone()])]);
    while let Some((table, ids)) = open.pop_front() {
        for referrer in table.model.referrers.iter().filter(|referrer| referrer.on_delete == OnDelete::Cascade) {
            let other = call.related(&referrer.model)?.clone();
            let Some(deleted_at) = other.model.roles.deleted_at else { continue };
            let (name, key) = (other.model.table.qualified(), other.model.column_name(other.model.roles.id));
            let sql = Sql::new(&format!(
                "SELECT r._version, {} FROM {name} AS r WHERE r._tenant = ? AND r.{} = ANY(?) AND r.{} = ?{} \
                 ORDER BY r.{key} FOR UPDATE",
                names::columns(&other),
                other.model.column_name(referrer.field),
                other.model.column_name(deleted_at),
                visibility::not_expired(&other.model, "r"),
            ));
            let binds =
                [Bind::text(&call.principal.tenant), names::bind_ids(&table.model, &ids), Bind::timestamptz(time)];
            let found = log.read(conn, (&other, &sql, &binds), &too_many).await?;
            if others.len() + found.len() >= MAX_DELETED {
                return Err(too_many().into());
            }
            if !found.is_empty() {
                let back = unmark(call, conn, (&other, &found), log).await?;
                let ids = back.iter().map(|(record, _)| Id::of_record(&other.model, record));
                let ids: Vec<Id> = ids.collect::<Result<_, Error>>()?;
                others.extend(ids.iter().map(|id| (other.clone(), id.clone())));
                open.push_back((other, ids));
            }
        }
    }
    Ok(Undeleted { root, others })
}

fn too_many() -> Error {
    let message =
        format!("more than {} records were deleted with it and would come back; nothing was undeleted", MAX_DELETED);
    Error::new(Reason::AnswerTooLarge, message)
}
