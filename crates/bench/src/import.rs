//! The duration of an import, compared with `psql \copy` of the same rows into a table with the same indexes.

mod files;
mod psql;

use crate::client::Suite;
use crate::output::{Failure, result, say};
use files::Files;
use groundplan_proto::records::v1::import_request::Part;
use groundplan_proto::records::v1::{Format, ImportHeader, ImportRequest, ImportResponse, OnError};
use psql::Psql;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// The model's table, and a copy of its definition.
const TABLE: &str = "example_v1.entity";
const COPY: &str = "example_v1.entity_copied";

/// The size of a chunk in a message, in bytes.
const CHUNK: usize = 256 << 10;

/// Compare imports of entities with `psql \copy` of the same rows into a table with the same indexes
///
/// Each measurement starts with an empty table, after a checkpoint. Deletes all existing entities.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    suite: Suite,

    /// The database of the suite, for psql
    #[arg(long, value_name = "URL")]
    db_url: String,

    /// Number of rows
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,

    /// Number of runs of each measurement
    #[arg(long, default_value_t = 3)]
    runs: u32,

    /// Folder for four files, which need about 0.5 GB in total per million rows
    #[arg(long, value_name = "FOLDER", default_value = "/tmp")]
    folder: std::path::PathBuf,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let psql = Psql { url: &args.db_url };
    say(format_args!("writing {} rows", args.rows));
    let files = Files::write(&args.folder, args.rows)?;
    psql.run(&format!("DROP TABLE IF EXISTS {COPY}; CREATE TABLE {COPY} (LIKE {TABLE} INCLUDING ALL)"))?;
    let mut copies = Vec::new();
    let mut imports = vec![Vec::new(); files.formats().len()];
    for _ in 0..args.runs {
        copies.push(copy(&psql, &files)?);
        for ((format, path), seconds) in files.formats().into_iter().zip(&mut imports) {
            seconds.push(import(&args, &psql, format, path).await?);
        }
    }
    psql.run(&format!("DROP TABLE {COPY}"))?;
    let base = median(&copies);
    let each = files.formats().into_iter().zip(&imports).map(|((format, _), seconds)| {
        json!({ "format": format.as_str_name(), "seconds": seconds, "median": median(seconds), "times": median(seconds) / base })
    });
    result(
        &json!({ "rows": args.rows, "copy": { "seconds": copies, "median": base }, "imports": each.collect::<Vec<Value>>() }),
    )
}

/// Copies all rows into [`COPY`] with psql, and returns the duration in seconds.
fn copy(psql: &Psql<'_>, files: &Files) -> Result<f64, Failure> {
    psql.run(&format!("TRUNCATE {COPY}; CHECKPOINT"))?;
    let columns = "_tenant, _version, id, field1, field2, created_at, updated_at";
    let begun = Instant::now();
    psql.run(&format!("\\copy {COPY} ({columns}) FROM '{}' (FORMAT csv)", files.copy.display()))?;
    let seconds = begun.elapsed().as_secs_f64();
    say(format_args!("psql \\copy: {seconds:.1} s"));
    Ok(seconds)
}

/// Imports all rows into the model, and returns the duration in seconds.
async fn import(args: &Args, psql: &Psql<'_>, format: Format, path: &Path) -> Result<f64, Failure> {
    psql.run(&format!("TRUNCATE {TABLE}; CHECKPOINT"))?;
    let begun = Instant::now();
    let report = send(args, format, path).await?;
    let seconds = begun.elapsed().as_secs_f64();
    say(format_args!("import of {}: {seconds:.1} s", format.as_str_name()));
    if u64::try_from(report.created) != Ok(args.rows) {
        return Err(Failure::new(format_args!("not all rows were created: {report:?}")));
    }
    Ok(seconds)
}

async fn send(args: &Args, format: Format, path: &Path) -> Result<ImportResponse, Failure> {
    let header = ImportHeader {
        model: "example.v1.Entity".to_owned(),
        format: format.into(),
        on_error: OnError::Skip.into(),
        import_id: uuid::Uuid::now_v7().to_string(),
        ..ImportHeader::default()
    };
    let (sender, messages) = mpsc::channel(4);
    let mut file = File::open(path)?;
    let reading = tokio::task::spawn_blocking(move || {
        let mut part = Part::Header(header);
        while sender.blocking_send(ImportRequest { part: Some(part) }).is_ok() {
            let mut chunk = vec![0; CHUNK];
            let read = file.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            chunk.truncate(read);
            part = Part::Chunk(chunk);
        }
        std::io::Result::Ok(())
    });
    let report = args.suite.records()?.import(ReceiverStream::new(messages)).await?.into_inner();
    reading.await??;
    Ok(report)
}

/// Returns the median; the upper one of an even number of values.
fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
