//! Checks that all stored records can be read, for example after a restore.

use super::finding::Finding;
use crate::catalog;
use crate::client::Client;
use crate::error::CliError;
use crate::output::print_error;
use groundplan_model::Catalog;
use groundplan_proto::records::v1::{ExportRequest, Format};
use groundplan_proto::schema::v1::GetRevisionRequest;

/// Reads every record of every served model.
pub(super) async fn check(client: &Client) -> Vec<Finding> {
    const CHECK: &str = "records";
    let catalog = match live_catalog(client).await {
        Ok(Some(catalog)) => catalog,
        Ok(None) => {
            return vec![Finding::warn(
                CHECK,
                "no models are live: there is nothing to read",
                "groundplan apply FOLDER",
            )];
        }
        Err(error) => return vec![Finding::fail(CHECK, error.message(), "see what else fails above")],
    };
    let mut findings = Vec::new();
    for model in &catalog.models {
        print_error(format_args!("reading {}", model.full_name));
        findings.push(match count_records(client, &model.full_name).await {
            Ok(records) => Finding::ok(CHECK, format!("all {records} of {} can be read", model.full_name)),
            Err(error) => Finding::fail(
                CHECK,
                format!("reading {} failed: {}", model.full_name, error.message()),
                "the server's log names the record and the reason; restore another backup, or repair the row with SQL",
            ),
        });
    }
    findings
}

async fn live_catalog(client: &Client) -> Result<Option<Catalog>, CliError> {
    let response = client.schema_client()?.get_revision(GetRevisionRequest { number: 0 }).await;
    match response {
        Ok(revision) => catalog::of_revision(revision.into_inner()).map(Some),
        Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
        Err(status) => Err(client.status_error(&status)),
    }
}

/// Counts the records of a model in one snapshot. The server decodes each record.
async fn count_records(client: &Client, model: &str) -> Result<i64, CliError> {
    let status_error = |status| client.status_error(&status);
    let request = ExportRequest { model: model.to_owned(), format: Format::Ndjson.into(), filter: String::new() };
    let mut messages = client.records_client()?.export(request).await.map_err(status_error)?.into_inner();
    let mut records = None;
    while let Some(message) = messages.message().await.map_err(status_error)? {
        records = message.summary.map(|summary| summary.records);
    }
    records.ok_or_else(|| CliError::new("the response ended early"))
}
