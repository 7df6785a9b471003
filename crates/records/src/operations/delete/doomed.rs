//! What goes with a record: those that refer to it with CASCADE, those that refer to these, and so on.

use super::MAX_DELETED;
use crate::operations::{Call, Id, names};
use crate::stop::Stop;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, rows};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Model, OnDelete, Referrer};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The records that go, all of them locked.
pub(super) struct Doomed {
    /// By the model's full name: all models of which something could go, whether it does or not, so that a model has the
    /// same statements at each delete.
    models: Models,
}

type Models = BTreeMap<String, (Arc<Model>, BTreeSet<Id>)>;

impl Doomed {
    /// Finds and locks what goes with a record, which is locked already: one statement for each model of each level.
    pub(super) async fn find(call: &Call<'_>, conn: &mut AsyncPgConnection, id: &Id) -> Result<Self, Stop> {
        let root = &call.table.model;
        let mut doomed = Self { models: possible(call)? };
        doomed.add(root, id.clone());
        let mut open = VecDeque::from([(root.clone(), vec![id.clone()])]);
        while let Some((model, ids)) = open.pop_front() {
            for referrer in referrers(&model, OnDelete::Cascade) {
                let other = call.related(&referrer.model)?.model.clone();
                let mut found = lock_referrers(call, conn, &model, &ids, &other, referrer).await?;
                found.retain(|id| doomed.add(&other, id.clone()));
                if doomed.models.values().map(|(_, ids)| ids.len()).sum::<usize>() > MAX_DELETED {
                    return Err(too_many(root, id).into());
                }
                if !found.is_empty() {
                    open.push_back((other, found));
                }
            }
        }
        Ok(doomed)
    }

    /// The models of which something could go, with the ids of what does.
    pub(super) fn models(&self) -> impl Iterator<Item = (&Arc<Model>, &BTreeSet<Id>)> {
        self.models.values().map(|(model, ids)| (model, ids))
    }

    /// The ids of a model's records that go.
    pub(super) fn of(&self, model: &Model) -> impl Iterator<Item = &Id> {
        self.models.get(&model.full_name).into_iter().flat_map(|(_, ids)| ids)
    }

    /// Says whether the record is a new one.
    fn add(&mut self, model: &Model, id: Id) -> bool {
        self.models.get_mut(&model.full_name).is_some_and(|(_, ids)| ids.insert(id))
    }
}

/// The references that lead to a model, of one kind.
pub(super) fn referrers(model: &Model, kind: OnDelete) -> impl Iterator<Item = &Referrer> {
    model.referrers.iter().filter(move |referrer| referrer.on_delete == kind)
}

/// The models whose records may go with one of the call's model, itself included.
fn possible(call: &Call<'_>) -> Result<Models, Error> {
    let mut models = BTreeMap::new();
    let mut open = vec![call.table.model.clone()];
    while let Some(model) = open.pop() {
        if models.contains_key(&model.full_name) {
            continue;
        }
        for referrer in referrers(&model, OnDelete::Cascade) {
            open.push(call.related(&referrer.model)?.model.clone());
        }
        models.insert(model.full_name.clone(), (model, BTreeSet::new()));
    }
    Ok(models)
}

/// Locks the records of a model that refer to some of another, in the order of their ids, and gives these.
async fn lock_referrers(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    model: &Model,
    ids: &[Id],
    other: &Model,
    referrer: &Referrer,
) -> QueryResult<Vec<Id>> {
    let (table, key, column) =
        (other.table.qualified(), other.column_name(other.roles.id), other.column_name(referrer.field));
    // One more than can go is enough to know that it is too much, even if all the others are known already.
    let limit = MAX_DELETED + 1;
    let sql = Sql::new(&format!(
        "SELECT r.{key} FROM {table} AS r WHERE r._tenant = ? AND r.{column} = ANY(?) \
         ORDER BY r.{key} LIMIT {limit} FOR UPDATE"
    ));
    let binds = [Bind::text(&call.principal.tenant), names::bind_ids(model, ids)];
    rows(conn, &sql, &binds).await?.iter().map(|row| names::read_id(other, row, 0)).collect()
}

fn too_many(model: &Model, id: &Id) -> Error {
    let id = id.to_string();
    let message = format!(
        "more than {MAX_DELETED} records would be deleted with {} {id:?}; nothing was deleted: delete some of those that \
         refer to it first",
        model.full_name
    );
    Error::new(Reason::AnswerTooLarge, message).about(&model.full_name, id)
}
