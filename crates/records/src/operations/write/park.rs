//! Placeholders for unique values, so that the writes of one request can exchange the values.
//!
//! PostgreSQL checks a unique index at each statement. If an index rejects a request with several writes, the next attempt
//! first replaces the unique values of the records to update or delete with placeholders. At the end it restores the values
//! that no write has replaced. Other transactions never see a placeholder, and neither events nor responses have one: reads
//! in this transaction return the original values.

use crate::operations::write_session::{Action, Change, Maker, OfModel, Planned, Session};
use crate::operations::{names, refusal};
use crate::table::Table;
use crate::tx_error::TxError;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, execute, rows};
use groundplan_codec::mask::UpdateMask;
use groundplan_model::catalog::{IndexMethod, Model};
use groundplan_model::shape::FieldId;
use groundplan_query::column::{Absence, Column, ColumnKind, Scalar};
use groundplan_query::id::Id;
use groundplan_query::{bind, row, visibility};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Parks the records whose unique values the writes might free.
pub(crate) async fn park(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    planned: &[Planned<'_>],
) -> Result<(), TxError> {
    let mut by_model: BTreeMap<&str, (&Arc<Table>, HashMap<Id, usize>)> = BTreeMap::new();
    for (at, write) in planned.iter().enumerate() {
        if may_free(write) {
            let (_, ids) = by_model.entry(&write.table.model.full_name).or_insert((&write.table, HashMap::new()));
            ids.entry(write.id.clone()).or_insert(at);
        }
    }
    for (table, ids) in by_model.into_values() {
        let columns = columns(table);
        if !columns.is_empty() {
            park_model(session, conn, (table, columns), &ids).await?;
        }
    }
    Ok(())
}

/// Returns whether a write might free unique values of its record.
fn may_free(write: &Planned<'_>) -> bool {
    match &write.action {
        Action::Delete { .. } => true,
        Action::Update(change) => names_unique(&write.table.model, change),
        Action::Create(_) | Action::Undelete | Action::Verify { .. } => false,
    }
}

/// Returns whether an update might change a field of a unique index.
fn names_unique(model: &Model, change: &Change) -> bool {
    let mut fields = unique_indexes(model).flatten();
    match &change.mask {
        // The fields of a merge patch are not examined: parking an additional record is harmless.
        UpdateMask::All | UpdateMask::Merge(_) => true,
        _ if !change.transforms.is_empty() => true,
        UpdateMask::Populated => fields.any(|field| change.update.get(field).is_some()),
        UpdateMask::Paths(paths) => fields.any(|field| paths.iter().any(|path| path.steps().first() == Some(&field))),
    }
}

/// Returns the fields of each unique index of a model.
fn unique_indexes(model: &Model) -> impl Iterator<Item = impl Iterator<Item = FieldId>> {
    let unique = model.indexes.iter().filter(|index| index.unique && index.method == IndexMethod::Ordered);
    unique.map(|index| index.fields.iter().map(|indexed| indexed.field))
}

/// Returns one column of each unique index that can hold a placeholder. A reference is the last choice, because the
/// referenced record is not found while the reference is parked.
fn columns(table: &Table) -> Vec<Column> {
    let mut chosen: Vec<Column> = Vec::new();
    for fields in unique_indexes(&table.model) {
        let fields: Vec<FieldId> = fields.collect();
        let of_index = table.columns.iter().filter(|column| fields.contains(&column.field));
        let possible = of_index.filter(|column| placeholder(column).is_some());
        if let Some(column) = possible.min_by_key(|column| column.is_reference)
            && chosen.iter().all(|other| other.field != column.field)
        {
            chosen.push(column.clone());
        }
    }
    chosen
}

/// Returns SQL for a value that no other record has, or `None` if the column cannot hold one, such as a boolean.
fn placeholder(column: &Column) -> Option<&'static str> {
    if column.absence == Absence::Null {
        return Some("NULL");
    }
    Some(match column.kind {
        ColumnKind::Scalar(Scalar::Text) => "gen_random_uuid()::text",
        ColumnKind::Scalar(Scalar::Bytea) => "uuid_send(gen_random_uuid())",
        ColumnKind::Scalar(Scalar::Bigint) => "(-9e18 * random())::bigint",
        ColumnKind::Scalar(Scalar::Integer) => "(-2e9 * random())::integer",
        ColumnKind::Scalar(Scalar::Numeric) => "-round((1e18 * random())::numeric)",
        ColumnKind::Scalar(Scalar::DoublePrecision) => "-1e300 * random()",
        ColumnKind::Scalar(Scalar::Timestamptz) => "to_timestamp(-6e10 * random())",
        ColumnKind::Scalar(Scalar::Boolean | Scalar::Interval | Scalar::Paths)
        | ColumnKind::Uuid
        | ColumnKind::Array(_)
        | ColumnKind::Json => return None,
    })
}

async fn park_model(
    session: &mut Session<'_>,
    conn: &mut AsyncPgConnection,
    (table, columns): (&Arc<Table>, Vec<Column>),
    ids: &HashMap<Id, usize>,
) -> Result<(), TxError> {
    let model = &table.model;
    let (name, key) = (model.table.qualified(), model.column_name(model.roles.id));
    let names: String = columns.iter().map(|column| format!(", r.{}", model.column_name(column.field))).collect();
    let which = [Bind::text(&session.call.principal.tenant), names::bind_ids(model, ids.keys())];
    let condition = format!("r._tenant = ? AND r.{key} = ANY(?){}", visibility::visible(model, "r"));
    let sql = Sql::new(&format!(
        "SELECT r.{key}{names} FROM {name} AS r WHERE {condition} ORDER BY r.{key} FOR NO KEY UPDATE"
    ));
    let mut records = HashMap::new();
    for row in rows(conn, &sql, &which).await? {
        let id = names::read_id(model, &row, 0)?;
        let record = row::record(model, &columns, &row, 1)?;
        if let Some(at) = ids.get(&id) {
            records.insert(id, (record, *at));
        }
    }
    let sets: Vec<String> = columns
        .iter()
        .filter_map(|column| Some(format!("{} = {}", model.column_name(column.field), placeholder(column)?)))
        .collect();
    let sql = Sql::new(&format!("UPDATE {name} AS r SET {} WHERE {condition}", sets.join(", ")));
    execute(conn, &sql, &which).await?;
    session.events.parked.0.insert(model.full_name.clone(), OfModel { table: table.clone(), columns, records });
    Ok(())
}

/// Restores the values that no write has replaced. If a value is taken, the error names the write that should have changed
/// the record.
pub(crate) async fn unpark<'a>(
    session: &mut Session<'a>,
    conn: &mut AsyncPgConnection,
    planned: &[Planned<'a>],
) -> Result<(), TxError> {
    for OfModel { table, columns, records } in std::mem::take(&mut session.events.parked).0.into_values() {
        let model = &table.model;
        let sets: Vec<String> =
            columns.iter().map(|column| format!("{} = ?", model.column_name(column.field))).collect();
        let (name, key) = (model.table.qualified(), model.column_name(model.roles.id));
        let sql = Sql::new(&format!("UPDATE {name} AS r SET {} WHERE r._tenant = ? AND r.{key} = ?", sets.join(", ")));
        for (id, (record, at)) in records {
            let Some(write) = planned.get(at) else { continue };
            let mut binds = Vec::new();
            for column in &columns {
                binds.push(bind::bind(model, column, &record)?);
            }
            binds.extend([Bind::text(&session.call.principal.tenant), bind::bind_id(&id)]);
            if let Err(error) = execute(conn, &sql, &binds).await {
                return Err(refusal::stop(model, error, &write.place.record()));
            }
            let maker = Maker { at, place: write.place, is_other: false };
            for column in columns.iter().filter(|column| column.is_reference) {
                session.references.insert(model, column.field, &id, maker);
            }
        }
    }
    Ok(())
}
