//! The result of an apply: every served model with its service and its path.

use super::Args;
use super::progress;
use crate::catalog;
use crate::error::CliError;
use crate::output::{Output, print, table};
use groundplan_model::Catalog;
use groundplan_proto::schema::v1::{ApplyResponse, GetRevisionRequest, Revision};
use serde_json::{Value, json};

/// Prints the result of an apply.
pub(super) async fn print_result(args: &Args, last: &ApplyResponse) -> Result<(), CliError> {
    let revision = get_revision(args, last.revision).await?;
    let catalog = revision.map(catalog::of_revision).transpose()?;
    match args.output {
        Output::Json => print(json(last, catalog.as_ref()))?,
        Output::Text => print(text(last, catalog.as_ref()))?,
    }
    Ok(())
}

/// Returns the stored revision; none if nothing was ever applied.
async fn get_revision(args: &Args, number: i64) -> Result<Option<Revision>, CliError> {
    if number == 0 {
        return Ok(None);
    }
    let response = args.client.schema_client()?.get_revision(GetRevisionRequest { number }).await;
    response.map(|revision| Some(revision.into_inner())).map_err(|status| args.client.status_error(&status))
}

fn text(last: &ApplyResponse, catalog: Option<&Catalog>) -> String {
    let Some(catalog) = catalog else { return "Nothing is live yet".to_owned() };
    let rows: Vec<_> = catalog
        .models
        .iter()
        .map(|model| [model.service.clone(), format!("/api/{}/{}", model.version, model.resource)])
        .collect();
    let state = if last.changed { "is live now" } else { "was live already" };
    let mut lines = vec![format!("Revision {} {state}:", last.revision)];
    lines.extend(table(&rows).into_iter().map(|line| format!("  {line}")));
    lines.join("\n")
}

/// Returns the last update and the served models.
fn json(last: &ApplyResponse, catalog: Option<&Catalog>) -> Value {
    let mut json = progress::json(last);
    let models = catalog.map(|catalog| catalog.models.as_slice()).unwrap_or_default();
    let models = models.iter().map(|model| {
        json!({
            "model": model.full_name,
            "service": model.service,
            "path": format!("/api/{}/{}", model.version, model.resource),
        })
    });
    json["models"] = models.collect();
    json
}
