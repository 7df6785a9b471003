//! Explain: describes for people how a list would run.

use super::list::Reading;
use crate::call::Call;
use groundplan_error::Error;
use groundplan_operations::ListQuery;
use groundplan_proto::query::v1::Explanation;
use groundplan_query::Plan;

/// Describes how PostgreSQL would read a page. It does not read the page, and a missing index is no error.
pub(crate) async fn explain_list(call: &Call<'_>, query: &ListQuery) -> Result<Explanation, Error> {
    let reading = Reading::begin(call, query, None)?;
    let part = reading.part()?;
    let statement = reading.statement(&reading.layout(part.counted), &part);
    let matching = reading.selection().everything();
    let mut lease = call.records.database().lease().await?;
    let (plan, all) = lease
        .run(async |conn| Ok((Plan::of(conn, &statement).await?, Plan::of(conn, &matching).await?)))
        .await
        .map_err(|error: Error| error)?;
    let scan = reading.scan();
    let (sql, parameter_types) = statement.explained();
    Ok(Explanation {
        sql,
        parameter_types,
        indexes: plan.indexes(),
        estimated_rows: all.rows(),
        estimated_cost: plan.cost(),
        served: scan.is_none(),
        advice: scan.and_then(|scan| scan.advice).unwrap_or_default(),
        plan_json: plan.json(),
    })
}
