//! GET of the records that refer to a record.

use super::{Call, Request, list};
use crate::parameter_errors::with_rest_names;
use crate::rest_error::RestError;
use crate::target;
use axum::body::Body;
use groundplan_error::Error;
use groundplan_operations::Backend;
use http::Response;

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let Request { target, query, .. } = &request;
    let (id, referrer) = (target.id(), target::find_inverse(&call.model, target.inverse())?);
    let way = call.model.referrers.get(referrer);
    let found = way.and_then(|way| Some((call.catalog.model(&way.model)?, way.inverse.as_deref()?)));
    let Some((others, inverse)) = found else {
        return Err(Error::internal(format!("{} has no inverse relation {referrer}", call.model.full_name)).into());
    };
    let asked = list::read(others, query)?;
    let page = call.backend.list_related(&call.caller, &call.model, id, referrer, &asked).await;
    let page = page.map_err(|error| with_rest_names(error, list::PARAMETERS))?;
    let path = format!("{}/{inverse}", target::record_path(&call.model, id));
    list::of_page(others, &path, query, &asked, &page)
}
