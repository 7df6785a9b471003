//! Follows the edges of the paths, with one statement for each.

use super::MAX_EXPANDED;
use super::collected::{Collected, id_of};
use super::paths::{Edge, Paths, Way};
use crate::call::Call;
use crate::operations::names;
use crate::streamed::each_row;
use crate::table::Table;
use groundplan_chassis::database::{Bind, Columns, PgRow, Sql, database_error};
use groundplan_codec::{Stored, Value};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::FieldId;
use groundplan_query::id::Id;
use groundplan_query::row;
use groundplan_query::visibility;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// An inverse relation of one record that leads to more records than the response has.
pub(crate) struct Continued {
    /// The model and the id of the record that it starts from.
    pub(crate) start: Arc<Model>,
    pub(crate) id: Id,
    /// The name of the relation.
    pub(crate) name: String,
    /// The model of the related records, and their field that refers to the start.
    pub(crate) target: Arc<Model>,
    pub(crate) field: FieldId,
    /// The last related record in the response.
    pub(crate) last: Id,
}

/// Follows all paths and collects the related records. Returns the inverse relations that have more records.
pub(crate) async fn walk(
    call: &Call<'_>,
    paths: &Paths,
    collected: &mut Collected<'_>,
) -> Result<Vec<Continued>, Error> {
    let mut continued = Vec::new();
    let mut open: VecDeque<(&Edge, Arc<Model>, Vec<String>)> = VecDeque::new();
    let asked = collected.asked_ids();
    open.extend(paths.edges.iter().map(|edge| (edge, paths.model.clone(), asked.clone())));
    while let Some((edge, from, ids)) = open.pop_front() {
        let target = &edge.relation.target;
        let table = call.related(&target.full_name)?;
        let reached = match &edge.relation.way {
            Way::There(field) => there(call, table, &from, *field, &ids, collected).await?,
            Way::Back { field, name } => {
                let back = Back { call, table, start: &from, field: *field, name };
                back.follow(&ids, collected, &mut continued).await?
            }
        };
        if !reached.is_empty() {
            open.extend(edge.edges.iter().map(|next| (next, target.clone(), reached.clone())));
        }
    }
    Ok(continued)
}

/// Follows a reference from records, and returns the ids of the referenced records.
async fn there(
    call: &Call<'_>,
    table: &Table,
    from: &Model,
    field: FieldId,
    ids: &[String],
    collected: &mut Collected<'_>,
) -> Result<Vec<String>, Error> {
    let model = &table.model;
    let references = ids.iter().filter_map(|id| match collected.get(from, id)?.get(field) {
        Some(Value::String(reference)) => Some(reference.clone()),
        _ => None,
    });
    let references: BTreeSet<String> = references.collect();
    let wanted = references.iter().filter(|id| !collected.has(model, id));
    let wanted = wanted.map(|id| Id::of_stored(model, id)).collect::<Result<Vec<Id>, Error>>()?;
    if !wanted.is_empty() {
        let (columns, name, key) = (names::columns(table), model.table.qualified(), model.column_name(model.roles.id));
        let sql = format!(
            "SELECT r._version, {columns} FROM {name} AS r WHERE r._tenant = ? AND r.{key} = ANY(?){}",
            visibility::not_expired(model, "r")
        );
        let binds = [Bind::text(&call.principal.tenant), names::bind_ids(model, &wanted)];
        each_row(call, &Sql::new(&sql), &binds, |row| {
            let (id, stored) = read(call, table, row, 1)?;
            collected.add(model, id, stored)
        })
        .await?;
    }
    // Records that were deleted in the meantime are missing.
    Ok(references.into_iter().filter(|id| collected.has(model, id)).collect())
}

/// An inverse relation: from records to the records of `table` that refer to them with `field`.
struct Back<'a> {
    call: &'a Call<'a>,
    table: &'a Table,
    start: &'a Arc<Model>,
    field: FieldId,
    name: &'a str,
}

impl Back<'_> {
    /// Follows the relation from records, and returns the ids of the related records.
    async fn follow(
        &self,
        ids: &[String],
        collected: &mut Collected<'_>,
        continued: &mut Vec<Continued>,
    ) -> Result<Vec<String>, Error> {
        let model = &self.table.model;
        let ids = ids.iter().map(|id| Id::of_stored(self.start, id)).collect::<Result<Vec<Id>, Error>>()?;
        let limit = i64::try_from(MAX_EXPANDED + 1).map_err(Error::internal)?;
        let binds = [names::bind_ids(self.start, &ids), Bind::text(&self.call.principal.tenant), Bind::i64(limit)];
        let mut counts = vec![0; ids.len()];
        let mut last = String::new();
        let mut reached = BTreeSet::new();
        // The rows of each start record are adjacent and in order.
        each_row(self.call, &self.statement(), &binds, |row| {
            let at = row.i64(1).map_err(database_error)?.and_then(|ordinal| usize::try_from(ordinal - 1).ok());
            let (at, count) = at.and_then(|at| Some((at, counts.get_mut(at)?))).ok_or_else(no_start)?;
            *count += 1;
            if *count > MAX_EXPANDED {
                let start = ids.get(at).ok_or_else(no_start)?;
                continued.push(self.continued(start, Id::of_stored(model, &last)?));
                return Ok(());
            }
            let (id, stored) = read(self.call, self.table, row, 2)?;
            if !collected.has(model, &id) {
                collected.add(model, id.clone(), stored)?;
            }
            last.clone_from(&id);
            reached.insert(id);
            Ok(())
        })
        .await?;
        Ok(reached.into_iter().collect())
    }

    /// Returns the statement. Binds: the ids of the start records, the tenant, and the limit for each start record.
    fn statement(&self) -> Sql {
        let model = &self.table.model;
        let (columns, name, key) =
            (names::columns(self.table), model.table.qualified(), model.column_name(model.roles.id));
        let (array, reference) = (names::id_array(self.start), model.column_name(self.field));
        Sql::new(&format!(
            "SELECT r._version, start.at, {columns} FROM unnest(?::{array}) WITH ORDINALITY AS start(id, at) \
             CROSS JOIN LATERAL (SELECT * FROM {name} AS r WHERE r._tenant = ? AND r.{reference} = start.id{} \
             ORDER BY r.{key} LIMIT ?) AS r ORDER BY start.at, r.{key}",
            visibility::visible(model, "r")
        ))
    }

    fn continued(&self, start: &Id, last: Id) -> Continued {
        Continued {
            start: self.start.clone(),
            id: start.clone(),
            name: self.name.to_owned(),
            target: self.table.model.clone(),
            field: self.field,
            last,
        }
    }
}

fn no_start() -> Error {
    Error::internal("a row of an inverse relation has no start")
}

/// Reads a related record, whose columns start at `offset`, and its id.
fn read(call: &Call<'_>, table: &Table, row: &PgRow, offset: usize) -> Result<(String, Stored), Error> {
    let record = row::record(&table.model, &table.columns, row, offset)?;
    call.hold(&record)?;
    let stored = table.show(record, row::version(row)?);
    Ok((id_of(&table.model, &stored.record).to_owned(), stored))
}
