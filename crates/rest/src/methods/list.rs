//! GET of a collection: lists records.

use super::{Call, Request};
use crate::enum_params::COUNT;
use crate::parameter_errors::{invalid_parameter, with_rest_names};
use crate::projection::Projection;
use crate::query::Query;
use crate::response::{self, Envelope};
use crate::rest_error::RestError;
use crate::{link, target};
use axum::body::Body;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_operations::{Backend, ListQuery, Page};
use http::header::LINK;
use http::{Response, StatusCode};

/// The query parameters, which are the fields of the gRPC request.
pub(super) const PARAMETERS: &[&str] =
    &["filter", "orderBy", "pageSize", "pageToken", "skip", "readMask", "count", "allowScan", "expand", SHOW_DELETED];

/// Requests deleted records too.
const SHOW_DELETED: &str = "showDeleted";

pub(super) async fn handle<B: Backend>(call: &Call<'_, B>, request: Request<'_>) -> Result<Response<Body>, RestError> {
    let query = &request.query;
    let asked = read(&call.model, query)?;
    let page = call.backend.list(&call.caller, &call.model, &asked).await;
    let page = page.map_err(|error| with_rest_names(error, PARAMETERS))?;
    of_page(&call.model, &target::collection_path(&call.model), query, &asked, &page)
}

/// Reads the query parameters of a list of a model's records.
pub(super) fn read(model: &Model, query: &Query) -> Result<ListQuery, Error> {
    Ok(ListQuery {
        page_size: query.number("pageSize")?,
        page_token: query.text("pageToken"),
        filter: query.text("filter"),
        order_by: query.text("orderBy"),
        skip: query.number("skip")?,
        count: query.choice("count", &COUNT)?,
        allow_scan: query.flag("allowScan")?,
        show_deleted: show_deleted(model, query)?,
        view: query.view()?,
    })
}

fn show_deleted(model: &Model, query: &Query) -> Result<bool, Error> {
    if query.get(SHOW_DELETED).is_some() && model.soft_delete.is_none() {
        let description = format!(
            "needs deleted records, which {} does not keep; give the model the option soft_delete",
            model.full_name
        );
        return Err(invalid_parameter(SHOW_DELETED, "soft_delete", description));
    }
    query.flag(SHOW_DELETED)
}

/// The response with a page of the records at a path.
pub(super) fn of_page(
    model: &Model,
    path: &str,
    query: &Query,
    asked: &ListQuery,
    page: &Page,
) -> Result<Response<Body>, RestError> {
    let shown = Projection::of(model, &asked.view.read_mask)?;
    let mut envelope = Envelope::of_records(model, shown.as_ref(), &page.records);
    envelope.page(page);
    if !asked.view.expand.is_empty() {
        envelope.included(&page.included);
    }
    let mut response = response::json_body(StatusCode::OK, envelope.into_bytes());
    if let Some(link) = link::to_next_page(path, query, &page.next_page_token) {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}
