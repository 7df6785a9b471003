//! Records that prevent a delete: visible records that refer to a deleted record with RESTRICT and are not deleted with it.
//! References with CASCADE also prevent a purge.

use super::cascade::CascadeSet;
use super::mode::DeleteMode;
use super::referring::Referring;
use super::roots::Roots;
use crate::call::Call;
use crate::operations::names;
use crate::tx_error::TxError;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use groundplan_chassis::database::{Bind, Sql, rows};
use groundplan_error::{Error, Precondition, Reason};
use groundplan_model::catalog::{Model, OnDelete};
use groundplan_query::id::Id;
use groundplan_query::visibility;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most records that an error names.
const MAX_NAMED: usize = 10;

/// A record that prevents the delete.
struct Restricting {
    model: Arc<Model>,
    id: Id,
    /// The field with the reference, and the referenced record.
    field: String,
    target: String,
}

/// Returns an error if other records prevent the delete.
pub(crate) async fn check(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    roots: Roots<'_>,
    mode: DeleteMode,
    cascade: &CascadeSet,
) -> Result<(), TxError> {
    let mut found = Vec::new();
    for (model, ids) in cascade.models().filter(|(_, ids)| !ids.is_empty()) {
        for referrer in model.referrers.iter().filter(|referrer| restricts(referrer.on_delete, mode)) {
            if found.len() <= MAX_NAMED {
                let other = &call.related(&referrer.model)?.model;
                let referring = Referring { target: model, model: other, referrer };
                find(call, conn, referring, ids, cascade, &mut found).await?;
            }
        }
    }
    if found.is_empty() { Ok(()) } else { Err(refused(roots, &found).into()) }
}

/// Returns whether a visible record with such a reference prevents the delete of the referenced record.
pub(crate) fn restricts(on_delete: OnDelete, mode: DeleteMode) -> bool {
    match on_delete {
        OnDelete::Restrict => true,
        OnDelete::Cascade => mode == DeleteMode::Purge,
        OnDelete::SetNull => false,
    }
}

/// Finds records that refer to records of the cascade and are not in it: at most one more than an error names.
async fn find(
    call: &Call<'_>,
    conn: &mut AsyncPgConnection,
    Referring { target, model: other, referrer }: Referring<'_>,
    ids: &BTreeSet<Id>,
    cascade: &CascadeSet,
    found: &mut Vec<Restricting>,
) -> QueryResult<()> {
    let (table, key, column) =
        (other.table.qualified(), other.column_name(other.roles.id), other.column_name(referrer.field));
    // Hidden records prevent nothing: they are deleted with the referenced record, or that record stays in its table.
    let stays = stays(other) + &visibility::visible(other, "r");
    let sql = Sql::new(&format!(
        "SELECT r.{key}, r.{column} FROM {table} AS r WHERE r._tenant = ? AND r.{column} = ANY(?) AND {stays} \
         ORDER BY r.{key} LIMIT ?"
    ));
    let limit = i64::try_from(MAX_NAMED + 1 - found.len()).unwrap_or(i64::MAX);
    let binds = [
        Bind::text(&call.principal.tenant),
        names::bind_ids(target, ids),
        names::bind_ids(other, cascade.of(other)),
        Bind::i64(limit),
    ];
    for row in rows(conn, &sql, &binds).await? {
        found.push(Restricting {
            model: other.clone(),
            id: names::read_id(other, &row, 0)?,
            field: other.shape().field(referrer.field).name.clone(),
            target: format!("{} {:?}", target.full_name, names::read_id(target, &row, 1)?.to_string()),
        });
    }
    Ok(())
}

/// Returns the SQL condition that a record `r` is not among the ids of a bind.
pub(crate) fn stays(model: &Model) -> String {
    let (key, array) = (model.column_name(model.roles.id), names::id_array(model));
    format!("NOT EXISTS (SELECT FROM unnest(?::{array}) AS cascade(id) WHERE cascade.id = r.{key})")
}

/// Returns the error. The advice precedes the list of records, which can be long.
fn refused(roots: Roots<'_>, found: &[Restricting]) -> Error {
    let named = found.get(..MAX_NAMED).unwrap_or(found);
    let mut list = String::new();
    for (at, restricting) in named.iter().enumerate() {
        let is_of_last = at
            .checked_sub(1)
            .and_then(|before| named.get(before))
            .is_some_and(|before| before.model.full_name == restricting.model.full_name);
        list.push_str(if at == 0 { "" } else { ", " });
        if !is_of_last {
            list.push_str(&restricting.model.full_name);
            list.push(' ');
        }
        list.push_str(&format!("{:?}", restricting.id.to_string()));
    }
    if found.len() > named.len() {
        list.push_str(" and more");
    }
    let message = format!(
        "{roots} cannot be deleted while other records refer to it, or to records deleted with it; delete these first, \
         or change their references: {list}"
    );
    let preconditions = named.iter().map(|restricting| Precondition {
        kind: "REFERENCE",
        subject: format!("{}/{}", restricting.model.full_name, restricting.id),
        description: format!("{} refers to {}", restricting.field, restricting.target),
    });
    roots.refused(Reason::RecordReferenced, message).with_preconditions(preconditions.collect())
}
