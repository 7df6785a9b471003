//! POST `/api:commit`: writes records of any models in one transaction.

mod read;

use super::write_options::{REQUEST_ID, VALIDATE_ONLY, WriteOptions, replayed};
use crate::body;
use crate::enum_params::ISOLATION;
use crate::input::Input;
use crate::json_field_paths;
use crate::parameter_errors::with_rest_names;
use crate::response;
use crate::rest_error::RestError;
use axum::body::Body;
use groundplan_budget::Budget;
use groundplan_call::offload_if_long;
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_model::catalog::Catalog;
use groundplan_operations::{Backend, Form, Writes};
use http::{HeaderMap, Response, StatusCode};
use std::sync::Arc;

const WRITES: &str = "writes";

/// The keys of the body.
pub(super) const KEYS: &[&str] = &[WRITES, REQUEST_ID, VALIDATE_ONLY, "isolation"];

pub(super) async fn handle<B: Backend>(
    (backend, caller): (&B, &Caller),
    catalog: &Arc<Catalog>,
    (headers, body): (&HeaderMap, Body),
    max_body: usize,
) -> Result<Response<Body>, RestError> {
    let bytes = body::read_json(headers, body, max_body).await?;
    let (catalog, headers, budget) = (catalog.clone(), headers.clone(), caller.budget.clone());
    let writes = offload_if_long(bytes.len(), move || read(&catalog, &headers, &bytes, &budget)).await??;
    let models: Vec<_> = writes.list.iter().map(|write| write.model.clone()).collect();
    let written = backend.write(caller, writes).await.map_err(|error| with_rest_names(error, KEYS));
    let written = written.map_err(|error| json_field_paths::of_commit(&models, error))?;
    let text = response::committed(&models, &written);
    replayed(written.is_repeat, Ok(response::json_body(StatusCode::OK, text)))
}

fn read(catalog: &Catalog, headers: &HeaderMap, body: &[u8], budget: &Budget) -> Result<Writes, Error> {
    let mut input = Input::parse(body, KEYS)?;
    let options = WriteOptions::from_batch_body(headers, &mut input)?;
    let is_serializable = input.choice_or_default("isolation", &ISOLATION)?;
    let list = input.batch(WRITES, read::KEYS, |write| read::write(catalog, write, budget))?;
    Ok(options.apply(Writes { list, form: Form::Commit, is_serializable, ..Writes::default() }))
}
