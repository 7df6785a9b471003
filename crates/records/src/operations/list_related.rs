//! The records that refer to a record through an inverse relation, such as an author's books.

use super::list::list;
use crate::call::Call;
use groundplan_chassis::database::{Bind, database_error, rows};
use groundplan_error::Error;
use groundplan_operations::{ListQuery, Page};
use groundplan_query::Parent;
use groundplan_query::bind::bind_id;
use groundplan_query::id::Id;

/// Reads a page of the records that refer to the record `id`. `referrer` is the index of the relation in the model's
/// referrers.
pub(crate) async fn list_related(call: &Call<'_>, id: &str, referrer: usize, query: &ListQuery) -> Result<Page, Error> {
    let model = &call.table.model;
    let referrer =
        model.referrers.get(referrer).ok_or_else(|| Error::internal("an inverse relation has no reference"))?;
    let parent = Parent { field: referrer.field, id: Id::parse(model, id)? };
    let table = call.related(&referrer.model)?.clone();
    let page = list(&Call { table, ..call.clone() }, query, Some(&parent)).await?;
    // A record that others refer to exists, so only an empty page needs the check.
    if page.records.is_empty() && !exists(call, &parent.id).await? {
        return Err(call.not_found(&parent.id));
    }
    Ok(page)
}

async fn exists(call: &Call<'_>, id: &Id) -> Result<bool, Error> {
    let binds = [Bind::text(&call.principal.tenant), bind_id(id)];
    let sql = &call.table.statements.version;
    let mut lease = call.records.database().lease().await?;
    let found = lease.run(async |conn| rows(conn, sql, &binds).await).await.map_err(database_error)?;
    Ok(!found.is_empty())
}
