//! The references that writes set, checked after all writes: a record can refer to a record that a later write creates.
//!
//! Foreign keys are deferred until then, and do not detect records that are soft-deleted or expired.

use super::locks::lock_living;
use super::write_path::WritePath;
use crate::call::Call;
use crate::operations::{names, reference};
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, rows};
use groundplan_codec::Record;
use groundplan_error::{Error, Violation};
use groundplan_model::catalog::{Model, OnDelete, Reference};
use groundplan_model::shape::FieldId;
use groundplan_query::id::Id;
use groundplan_query::visibility;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The references that must be valid when the transaction commits, by model and field.
#[derive(Default)]
pub(crate) struct Made<'a>(BTreeMap<(String, FieldId), HashMap<Id, Maker<'a>>>);

/// The write that set a reference.
#[derive(Clone, Copy)]
pub(crate) struct Maker<'a> {
    pub(crate) at: usize,
    pub(crate) place: WritePath<'a>,
    /// Whether the record is not the write's record, but one that was undeleted with it.
    pub(crate) is_other: bool,
}

/// A reference to a record that is missing, soft-deleted or expired.
struct Broken<'a> {
    maker: Maker<'a>,
    record: String,
    violation: Violation,
}

impl<'a> Made<'a> {
    /// Adds the references of a record that differ from its previous ones.
    pub(crate) fn add(
        &mut self,
        model: &Model,
        maker: Maker<'a>,
        (before, after): (Option<&Record>, &Record),
        id: &Id,
    ) {
        for reference in &model.references {
            let now = after.get(reference.field);
            if now.is_some() && before.is_none_or(|before| before.get(reference.field) != now) {
                self.insert(model, reference.field, id, maker);
            }
        }
    }

    /// Adds the references of an undeleted record. A SET_NULL reference is allowed to lead to a deleted record, as before.
    pub(crate) fn add_undeleted(&mut self, model: &Model, maker: Maker<'a>, id: &Id) {
        for reference in model.references.iter().filter(|reference| reference.on_delete != OnDelete::SetNull) {
            self.insert(model, reference.field, id, maker);
        }
    }

    /// Adds one reference of a record.
    pub(crate) fn insert(&mut self, model: &Model, field: FieldId, id: &Id, maker: Maker<'a>) {
        self.0.entry((model.full_name.clone(), field)).or_default().insert(id.clone(), maker);
    }

    /// Returns an error for references to deleted or expired records, at the path of the first write that set one. If `all`
    /// is true, it checks all references, because a foreign key was violated, and its error does not identify the record
    /// well.
    pub(crate) async fn check(&self, call: &Call<'_>, conn: &mut AsyncPgConnection, all: bool) -> Result<(), TxError> {
        let mut broken = Vec::new();
        for ((model, field), makers) in &self.0 {
            let table = call.related(model)?;
            let Some(reference) = table.model.reference(*field) else { continue };
            let target = call.related(&reference.target)?;
            if all || visibility::can_hide_records(&target.model) {
                find(call, conn, Tables { table, reference, target }, makers, &mut broken).await?;
            }
        }
        let Some(first) = broken.iter().min_by_key(|one| (one.maker.at, &one.record)) else { return Ok(()) };
        let (at, place) = (first.maker.at, first.maker.place);
        let of_record = |one: &&Broken<'_>| one.maker.at == at && one.record == first.record;
        let violations = broken.iter().filter(of_record).map(|one| one.violation.clone()).collect();
        let place = if first.maker.is_other { place.item() } else { place.record() };
        Err(Error::invalid(violations).within(&place).into())
    }
}

/// A reference, with its table and the table of the referenced records.
struct Tables<'t> {
    table: &'t Table,
    reference: &'t Reference,
    target: &'t Table,
}

/// Finds the broken references of records, as they are now. Locks the referenced records, so that they remain.
async fn find<'a>(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    Tables { table, reference, target }: Tables<'_>,
    makers: &HashMap<Id, Maker<'a>>,
    broken: &mut Vec<Broken<'a>>,
) -> Result<(), TxError> {
    let model = &table.model;
    let referring = referring(call, conn, (model, reference, &target.model), makers.keys()).await?;
    let wanted: HashSet<&Id> = referring.iter().map(|(_, id)| id).collect();
    let mut wanted: Vec<Id> = wanted.into_iter().cloned().collect();
    wanted.sort_unstable();
    let found: HashSet<Id> = lock_living(call, conn, target, &wanted).await?.into_iter().collect();
    for (id, leads_to) in referring.into_iter().filter(|(_, id)| !found.contains(id)) {
        let Some(maker) = makers.get(&id) else { continue };
        let violation = match maker.is_other {
            true => reference::kept_away(call, conn, (model, &id), (reference, &leads_to)).await?,
            false => reference::missed(call, conn, model, (reference, &leads_to)).await?,
        };
        broken.push(Broken { maker: *maker, record: format!("{}/{id}", model.full_name), violation });
    }
    Ok(())
}

/// Returns the records that are visible and have the reference, each with the referenced id.
async fn referring(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    (model, reference, target): (&Model, &Reference, &Model),
    ids: impl Iterator<Item = &Id>,
) -> Result<Vec<(Id, Id)>, TxError> {
    let (name, key, column) =
        (model.table.qualified(), model.column_name(model.roles.id), model.column_name(reference.field));
    let sql = Sql::new(&format!(
        "SELECT r.{key}, r.{column} FROM {name} AS r WHERE r._tenant = ? AND r.{key} = ANY(?) AND r.{column} IS NOT NULL{} \
         ORDER BY r.{key}",
        visibility::visible(model, "r")
    ));
    let binds = [Bind::text(&call.principal.tenant), names::bind_ids(model, ids)];
    let found = rows(conn, &sql, &binds).await?;
    let pairs = found.iter().map(|row| Ok((names::read_id(model, row, 0)?, names::read_id(target, row, 1)?)));
    Ok(pairs.collect::<diesel::QueryResult<_>>()?)
}
