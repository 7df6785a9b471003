//! `groundplan import`: loads a file into a model.

mod import_error;
mod source;

use crate::client::Client;
use crate::error::{CliError, print_as_json};
use crate::output::{Output, print, print_error};
use crate::transfer::{Format, ProgressMeter};
use futures_util::stream;
use groundplan_proto::records::v1 as records;
use import_error::{import_error, resumable_error};
use records::import_request::Part;
use records::{ImportHeader, ImportRequest, ImportResponse};
use serde_json::json;
use source::Source;
use std::path::PathBuf;

/// Import a file into a model
///
/// Each row becomes a record and is validated like a new record, but creation times, update times and output-only
/// fields keep the values in the file, so that an export can be imported. With `--on-error abort`, all rows are
/// imported or none, at most 100,000. With `--on-error skip`, all valid rows are imported, in parts, without a limit.
/// Errors are printed to standard error with their line. To resume an interrupted import, run it again with the
/// `--import-id` that it prints; imported rows are not imported twice.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Import")]
pub(crate) struct Args {
    /// Full name of the model, such as example.v1.Entity
    #[arg(value_name = "MODEL")]
    model: String,
    /// File to read; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Format of the rows. Default: by the file extension
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// How to handle an invalid row
    #[arg(long, value_enum, default_value = "abort")]
    on_error: OnError,
    /// How to handle a row whose id already exists
    #[arg(long, value_enum, default_value = "fail")]
    on_conflict: OnConflict,
    /// Resume the import with this id; the file and options must be the same. Default: a new import
    #[arg(long, value_name = "ID", conflicts_with = "validate_only")]
    import_id: Option<String>,
    /// Validate everything, and import nothing
    #[arg(long)]
    validate_only: bool,
    /// Output format. With json, one line: the counts with the errors, or the error
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    client: Client,
}

/// How to handle an invalid row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OnError {
    /// Import nothing
    Abort,
    /// Import all valid rows
    Skip,
}

/// How to handle a row whose id already exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OnConflict {
    /// Treat the row as invalid
    Fail,
    /// Keep the existing record
    Skip,
    /// Replace the record with the row
    Replace,
}

pub(crate) async fn run(args: Args) -> Result<(), CliError> {
    let outcome = import(&args).await;
    print_as_json(args.output, &outcome)?;
    outcome
}

async fn import(args: &Args) -> Result<(), CliError> {
    let format = Format::for_file(args.format, &args.file)?;
    let source = Source::open(&args.file)?;
    let mut client = args.client.records_client()?;
    let header = header(args, format);
    let id = header.import_id.clone();
    let meter = ProgressMeter::start(source.size);
    let (chunks, mut failed) = source.chunks(meter.clone(), format);
    let first = ImportRequest { part: Some(Part::Header(header)) };
    let messages = stream::unfold((Some(first), chunks), |(first, mut chunks)| async move {
        match first {
            Some(first) => Some((first, (None, chunks))),
            None => {
                let chunk = chunks.recv().await?;
                Some((ImportRequest { part: Some(Part::Chunk(chunk)) }, (None, chunks)))
            }
        }
    });
    // After a read error the call is dropped, because the server would treat the end of the stream as the end of the file.
    let answer = tokio::select! {
        answer = client.import(messages) => answer.map_err(|status| import_error(args, &id, &status)),
        Ok(error) = &mut failed => Err(resumable_error(&id, &format!("{} cannot be read: {error}", args.file.display()))),
        _ = tokio::signal::ctrl_c() => Err(resumable_error(&id, "it was interrupted")),
    };
    meter.finish();
    let report = answer?.into_inner();
    print_result(args, &report, &meter)?;
    if report.failed > 0 { Err(CliError::already_reported()) } else { Ok(()) }
}

fn header(args: &Args, format: Format) -> ImportHeader {
    let import_id = match &args.import_id {
        Some(id) => id.clone(),
        None if args.validate_only => String::new(),
        None => format!("{:032x}", rand::random::<u128>()),
    };
    let on_error = match args.on_error {
        OnError::Abort => records::OnError::Abort,
        OnError::Skip => records::OnError::Skip,
    };
    let on_conflict = match args.on_conflict {
        OnConflict::Fail => records::OnConflict::Fail,
        OnConflict::Skip => records::OnConflict::Skip,
        OnConflict::Replace => records::OnConflict::Replace,
    };
    ImportHeader {
        model: args.model.clone(),
        format: format.number(),
        on_error: on_error.into(),
        on_conflict: on_conflict.into(),
        import_id,
        validate_only: args.validate_only,
    }
}

/// Prints the result of the import.
fn print_result(args: &Args, report: &ImportResponse, meter: &ProgressMeter) -> Result<(), CliError> {
    let errors = report.errors.iter();
    if args.output == Output::Json {
        let errors: Vec<_> = errors
            .map(|error| json!({ "line": error.line, "field": error.field, "message": error.message, "rule": error.rule }))
            .collect();
        let json = json!({
            "read": report.read,
            "created": report.created,
            "replaced": report.replaced,
            "skipped": report.skipped,
            "failed": report.failed,
            "errors": errors,
            "moreErrors": report.more_errors,
        });
        return Ok(print(json)?);
    }
    for error in errors {
        let space = if error.field.is_empty() { "" } else { " " };
        print_error(format_args!("line {}: {}{space}{}", error.line, error.field, error.message));
    }
    if report.more_errors {
        print_error(format_args!("… and more errors that are not listed"));
    }
    let summary = meter.summary(u64::try_from(report.read).unwrap_or_default());
    let ImportResponse { created, replaced, skipped, failed, .. } = report;
    let done = if args.validate_only { "checked, and nothing loaded" } else { "read" };
    print(format_args!(
        "{summary} {done}: {created} created, {replaced} replaced, {skipped} skipped, {failed} failed"
    ))?;
    Ok(())
}
