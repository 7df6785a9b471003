//! GET of an inverse relation: lists the records that refer to a record.

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
    let relation = call
        .model
        .referrers
        .get(referrer)
        .and_then(|referrer| Some((call.catalog.model(&referrer.model)?, referrer.inverse.as_deref()?)));
    let Some((others, inverse)) = relation else {
        return Err(Error::internal(format!("{} has no inverse relation {referrer}", call.model.full_name)).into());
    };
    let asked = list::read(others, query)?;
    let page = call.backend.list_related(&call.caller, &call.model, id, referrer, &asked).await;
    let page = page.map_err(|error| with_rest_names(error, list::PARAMETERS))?;
    let path = format!("{}/{inverse}", target::record_path(&call.model, id));
    list::of_page(others, &path, query, &asked, &page)
}
