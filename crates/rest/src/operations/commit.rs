//! POST of `/api:commit`: writes of any models, together or not at all.

mod read;

use super::manner::{Manner, REQUEST_ID, VALIDATE_ONLY, replayed};
use crate::answer;
use crate::body;
use crate::choices::ISOLATION;
use crate::input::Input;
use crate::named;
use crate::refusal::Refusal;
use crate::wording::as_typed;
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

pub(super) async fn answer<B: Backend>(
    (backend, caller): (&B, &Caller),
    catalog: &Arc<Catalog>,
    (headers, body): (&HeaderMap, Body),
    max_body: usize,
) -> Result<Response<Body>, Refusal> {
    let bytes = body::read_json(headers, body, max_body).await?;
    let (catalog, headers, budget) = (catalog.clone(), headers.clone(), caller.budget.clone());
    let writes = offload_if_long(bytes.len(), move || read(&catalog, &headers, &bytes, &budget)).await??;
    let models: Vec<_> = writes.list.iter().map(|write| write.model.clone()).collect();
    let written = backend.write(caller, writes).await.map_err(|error| as_typed(error, KEYS));
    let written = written.map_err(|error| named::of_commit(&models, error))?;
    let text = answer::committed(&models, &written);
    replayed(written.is_repeat, Ok(answer::json_body(StatusCode::OK, text)))
}

fn read(catalog: &Catalog, headers: &HeaderMap, body: &[u8], budget: &Budget) -> Result<Writes, Error> {
    let mut input = Input::parse(body, KEYS)?;
    let manner = Manner::of_several(headers, &mut input)?;
    let is_serializable = input.choice_or_default("isolation", &ISOLATION)?;
    let list = input.batch(WRITES, read::KEYS, |write| read::write(catalog, write, budget))?;
    Ok(manner.of(Writes { list, form: Form::Commit, is_serializable, ..Writes::default() }))
}
