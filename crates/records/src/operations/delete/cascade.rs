//! The cascade of a delete: the records that refer to a deleted record with CASCADE, those that refer to these, and so on.

use super::limits::MAX_DELETED;
use super::mode::DeleteMode;
use super::referring::Referring;
use super::roots::Roots;
use crate::call::Call;
use crate::operations::names;
use crate::tx_error::TxError;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, rows};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Model, OnDelete, Referrer};
use groundplan_query::id::Id;
use groundplan_query::visibility;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The records to delete, all of them locked.
pub(crate) struct CascadeSet {
    /// The ids by the full name of their model. It includes every model that the delete can affect, even without ids, so
    /// that all deletes of a model use the same statements.
    models: Models,
}

type Models = BTreeMap<String, (Arc<Model>, BTreeSet<Id>)>;

/// The referring records that are deleted with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    All,
    Living,
    /// Those that are soft-deleted or expired: no caller sees them, and they cannot be undeleted without the referenced
    /// record.
    Gone,
}

impl Which {
    /// Returns the records of a referrer to delete, or `None` if the delete affects none.
    fn of_referrer(referrer: &Referrer, other: &Model, mode: DeleteMode) -> Option<Self> {
        match (referrer.on_delete, mode) {
            (OnDelete::Cascade, DeleteMode::ForGood) => Some(Self::All),
            (OnDelete::Cascade, DeleteMode::Soft) => Some(Self::Living),
            (OnDelete::Cascade, DeleteMode::Purge) | (OnDelete::Restrict, DeleteMode::ForGood | DeleteMode::Purge) => {
                visibility::can_hide_records(other).then_some(Self::Gone)
            }
            (OnDelete::Restrict, DeleteMode::Soft) | (OnDelete::SetNull, _) => None,
        }
    }

    /// Returns the SQL condition on a record `r`, with a leading ` AND `.
    fn condition(self, other: &Model) -> String {
        match self {
            Self::All => String::new(),
            Self::Living => visibility::visible(other, "r"),
            Self::Gone => format!(" AND NOT (true{})", visibility::visible(other, "r")),
        }
    }
}

impl CascadeSet {
    /// Finds and locks the records that are deleted with the roots: one statement for each model of each level.
    pub(crate) async fn find(
        call: &Call<'_>,
        conn: &mut AsyncPgConnection,
        roots: Roots<'_>,
        mode: DeleteMode,
    ) -> Result<Self, TxError> {
        let mut cascade = Self { models: possible(call, mode)? };
        for id in roots.ids {
            cascade.add(roots.model, id.clone());
        }
        let mut open = VecDeque::from([(call.table.model.clone(), roots.ids.to_vec())]);
        while let Some((model, ids)) = open.pop_front() {
            for referrer in &model.referrers {
                let other = call.related(&referrer.model)?.model.clone();
                let Some(which) = Which::of_referrer(referrer, &other, mode) else { continue };
                let referring = Referring { target: &model, model: &other, referrer };
                let mut found = lock_referrers(call, conn, referring, &ids, which).await?;
                found.retain(|id| cascade.add(&other, id.clone()));
                if cascade.models.values().map(|(_, ids)| ids.len()).sum::<usize>() > MAX_DELETED.max(roots.ids.len()) {
                    return Err(too_many(roots).into());
                }
                if !found.is_empty() {
                    open.push_back((other, found));
                }
            }
        }
        Ok(cascade)
    }

    /// Returns the models that the delete can affect, with the ids to delete.
    pub(crate) fn models(&self) -> impl Iterator<Item = (&Arc<Model>, &BTreeSet<Id>)> {
        self.models.values().map(|(model, ids)| (model, ids))
    }

    /// Returns the ids of a model's records to delete.
    pub(crate) fn of(&self, model: &Model) -> impl Iterator<Item = &Id> {
        self.models.get(&model.full_name).into_iter().flat_map(|(_, ids)| ids)
    }

    /// Adds a record, and returns whether it is new.
    fn add(&mut self, model: &Model, id: Id) -> bool {
        self.models.get_mut(&model.full_name).is_some_and(|(_, ids)| ids.insert(id))
    }
}

/// Returns the references to a model that have one kind of `on_delete`.
pub(crate) fn referrers(model: &Model, kind: OnDelete) -> impl Iterator<Item = &Referrer> {
    model.referrers.iter().filter(move |referrer| referrer.on_delete == kind)
}

/// Returns the models whose records can be deleted with a record of the call's model, including that model.
fn possible(call: &Call<'_>, mode: DeleteMode) -> Result<Models, Error> {
    let mut models = BTreeMap::new();
    let mut open = vec![call.table.model.clone()];
    while let Some(model) = open.pop() {
        if models.contains_key(&model.full_name) {
            continue;
        }
        for referrer in &model.referrers {
            let other = &call.related(&referrer.model)?.model;
            if Which::of_referrer(referrer, other, mode).is_some() {
                open.push(other.clone());
            }
        }
        models.insert(model.full_name.clone(), (model, BTreeSet::new()));
    }
    Ok(models)
}

/// Locks the records of a model that refer to some records of another, in the order of their ids, and returns their ids.
async fn lock_referrers(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    Referring { target, model, referrer }: Referring<'_>,
    ids: &[Id],
    which: Which,
) -> QueryResult<Vec<Id>> {
    let (table, key, column) =
        (model.table.qualified(), model.column_name(model.roles.id), model.column_name(referrer.field));
    // One record more than the limit proves that there are too many, even if the cascade has all the others already.
    let limit = MAX_DELETED + 1;
    let condition = which.condition(model);
    let sql = Sql::new(&format!(
        "SELECT r.{key} FROM {table} AS r WHERE r._tenant = ? AND r.{column} = ANY(?){condition} \
         ORDER BY r.{key} LIMIT {limit} FOR UPDATE"
    ));
    let binds = [Bind::text(&call.principal.tenant), names::bind_ids(target, ids)];
    names::read_ids(model, &rows(conn, &sql, &binds).await?)
}

fn too_many(roots: Roots<'_>) -> Error {
    let message = format!(
        "more than {MAX_DELETED} records would be deleted with {roots}; nothing was deleted: delete some of those that \
         refer to it first"
    );
    roots.refused(Reason::AnswerTooLarge, message)
}
