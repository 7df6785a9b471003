//! GET of the records that refer to a record.

use super::{Call, list};
use crate::query::Query;
use crate::refusal::Refusal;
use crate::target;
use crate::wording::as_typed;
use axum::body::Body;
use groundplan_error::Error;
use groundplan_model::catalog::Catalog;
use groundplan_operations::Backend;
use http::Response;

pub(super) async fn answer<B: Backend>(
    call: &Call<'_, B>,
    catalog: &Catalog,
    id: &str,
    referrer: usize,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    let way = call.model.referrers.get(referrer);
    let found = way.and_then(|way| Some((catalog.model(&way.model)?, way.inverse.as_deref()?)));
    let Some((others, inverse)) = found else {
        return Err(Error::internal(format!("{} has no inverse relation {referrer}", call.model.full_name)).into());
    };
    let asked = list::read(others, query)?;
    let page = call.backend.list_related(&call.caller, &call.model, id, referrer, &asked).await;
    let page = page.map_err(|error| as_typed(error, list::PARAMETERS))?;
    let path = format!("{}/{inverse}", target::record_path(&call.model, id));
    list::of_page(others, &path, query, &asked, &page)
}
