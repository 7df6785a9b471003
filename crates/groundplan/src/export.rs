//! `groundplan export`: writes the records of a model to a file.

mod target;

use crate::client::Client;
use crate::error::CliError;
use crate::output::print_error;
use crate::transfer::{Format, ProgressMeter, STANDARD_STREAM};
use groundplan_proto::records::v1::ExportRequest;
use std::path::PathBuf;
use target::ExportTarget;

/// Export the records of a model to a file
///
/// Exports all records, or those that match `--filter`, in the order of their ids, as of one moment. Input-only fields
/// are left out. The file can be imported: `export | import` into an empty model creates the same records. Until the
/// export is complete, the file's name ends in `.part`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Export")]
pub(crate) struct Args {
    /// Full name of the model, such as example.v1.Entity
    #[arg(value_name = "MODEL")]
    model: String,
    /// File to write; `-` is standard output
    #[arg(value_name = "FILE", default_value = STANDARD_STREAM)]
    file: PathBuf,
    /// Format of the records. Default: by the file extension; ndjson for standard output
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Export only the records that match this filter: CEL over the model's fields, as in a list
    #[arg(long, value_name = "CEL", default_value = "")]
    filter: String,
    #[command(flatten)]
    client: Client,
}

pub(crate) async fn run(args: Args) -> Result<(), CliError> {
    let format = match args.format {
        None if args.file.as_os_str() == STANDARD_STREAM => Format::Ndjson,
        requested => Format::for_file(requested, &args.file)?,
    };
    let status_error = |status| args.client.status_error(&status);
    let request = ExportRequest { model: args.model.clone(), format: format.number(), filter: args.filter.clone() };
    let mut messages = args.client.records_client()?.export(request).await.map_err(status_error)?.into_inner();
    let mut target = ExportTarget::open(&args.file)?;
    let meter = ProgressMeter::start(None);
    let mut records = None;
    while let Some(message) = messages.message().await.map_err(status_error)? {
        meter.add(&message.chunk);
        target.write(&message.chunk)?;
        records = message.summary.map(|summary| summary.records);
    }
    meter.finish();
    let Some(records) = records else {
        return Err(CliError::new("the export ended early; export again"));
    };
    target.finish()?;
    print_error(format_args!("{} exported", meter.summary(u64::try_from(records).unwrap_or_default())));
    Ok(())
}
