//! `groundplan import`: a file into a model.

mod refused;
mod source;

use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Output, print, print_error};
use crate::transfer::{Format, Meter};
use futures_util::stream;
use groundplan_proto::records::v1::import_request::Part;
use groundplan_proto::records::v1::{ImportHeader, ImportRequest, ImportResponse, OnConflict, OnError};
use refused::{interrupted, refused};
use serde_json::json;
use source::Source;
use std::path::PathBuf;

/// Load a file into a model
///
/// Each row becomes a record, held to everything that a new record is held to. Times of creation and change and output-only fields are
/// taken as they are, so that an export can be imported. With `--on-error abort` all rows are loaded or none, at most 100,000; with
/// `--on-error skip` everything but the bad rows, in parts, however many there are. What is wrong is printed to standard error by line.
/// An import that was interrupted is run again with the `--import-id` that it prints: what is loaded already is not loaded twice.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Import")]
pub(crate) struct Args {
    /// The model's full name, such as example.v1.Entity
    #[arg(value_name = "MODEL")]
    model: String,
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How the rows are written. Default: by the file's ending
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What a bad row does
    #[arg(long, value_enum, default_value = "abort")]
    on_error: Bad,
    /// What happens to a row whose id a record has already
    #[arg(long, value_enum, default_value = "fail")]
    on_conflict: Taken,
    /// Goes on with the import of this id, with the same file and options. Default: a new one
    #[arg(long, value_name = "ID", conflicts_with = "validate_only")]
    import_id: Option<String>,
    /// Check everything, and load nothing
    #[arg(long)]
    validate_only: bool,
    /// The form of what is printed. With json, one line: the counts with the errors, or the error
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    client: Client,
}

/// What a bad row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Bad {
    /// Nothing is loaded
    Abort,
    /// Everything else is loaded
    Skip,
}

/// What happens to a row whose id is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Taken {
    /// It is a bad row
    Fail,
    /// The record stays as it is
    Skip,
    /// The record becomes the row
    Replace,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let outcome = import(&args).await;
    args.output.failed(&outcome)?;
    outcome
}

async fn import(args: &Args) -> Result<(), Failure> {
    let format = Format::of(args.format, &args.file)?;
    let source = Source::open(&args.file)?;
    let mut client = args.client.records()?;
    let header = header(args, format);
    let id = header.import_id.clone();
    let meter = Meter::begin(source.size);
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
    // A file that cannot be read to its end must not look like one that ends: the call is dropped.
    let answer = tokio::select! {
        answer = client.import(messages) => answer.map_err(|status| refused(args, &id, &status)),
        Ok(error) = &mut failed => Err(interrupted(&id, &format!("{} cannot be read: {error}", args.file.display()))),
        _ = tokio::signal::ctrl_c() => Err(interrupted(&id, "it was interrupted")),
    };
    meter.end();
    let report = answer?.into_inner();
    show(args, &report, &meter)?;
    if report.failed > 0 { Err(Failure::said()) } else { Ok(()) }
}

fn header(args: &Args, format: Format) -> ImportHeader {
    let import_id = match &args.import_id {
        Some(id) => id.clone(),
        None if args.validate_only => String::new(),
        None => format!("{:032x}", rand::random::<u128>()),
    };
    let on_error = match args.on_error {
        Bad::Abort => OnError::Abort,
        Bad::Skip => OnError::Skip,
    };
    let on_conflict = match args.on_conflict {
        Taken::Fail => OnConflict::Fail,
        Taken::Skip => OnConflict::Skip,
        Taken::Replace => OnConflict::Replace,
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

/// Prints what has become of the rows.
fn show(args: &Args, report: &ImportResponse, meter: &Meter) -> Result<(), Failure> {
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
        print_error(format_args!("… and more errors than are told"));
    }
    let summary = meter.summary(u64::try_from(report.read).unwrap_or_default());
    let ImportResponse { created, replaced, skipped, failed, .. } = report;
    let done = if args.validate_only { "checked, and nothing loaded" } else { "read" };
    print(format_args!(
        "{summary} {done}: {created} created, {replaced} replaced, {skipped} skipped, {failed} failed"
    ))?;
    Ok(())
}
