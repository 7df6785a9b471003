//! Shared parts of `import` and `export`: formats, files and progress.

use crate::error::CliError;
use groundplan_proto::records::v1;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::path::Path;
use std::time::{Duration, Instant};

/// The file name for standard input or output.
pub(crate) const STANDARD_STREAM: &str = "-";

/// How records are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// One JSON object per line (.ndjson, .jsonl)
    Ndjson,
    /// Comma-separated values with the field names in the first line (.csv)
    Csv,
    /// Protobuf messages, each preceded by its length (.binpb, .pb)
    Delimited,
}

impl Format {
    /// Returns the requested format, or that of the file's extension.
    pub(crate) fn for_file(requested: Option<Self>, file: &Path) -> Result<Self, CliError> {
        let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
        match (requested, extension.as_deref()) {
            (Some(format), _) => Ok(format),
            (None, Some("ndjson" | "jsonl")) => Ok(Self::Ndjson),
            (None, Some("csv")) => Ok(Self::Csv),
            (None, Some("binpb" | "pb")) => Ok(Self::Delimited),
            _ => Err(CliError::usage(format!(
                "the format of {} is not known by its extension; pass --format ndjson, csv or delimited",
                file.display()
            ))),
        }
    }

    pub(crate) fn number(self) -> i32 {
        let format = match self {
            Self::Ndjson => v1::Format::Ndjson,
            Self::Csv => v1::Format::Csv,
            Self::Delimited => v1::Format::Delimited,
        };
        format.into()
    }
}

/// Shows the progress: a bar if standard error is a terminal, nothing elsewhere.
#[derive(Clone)]
pub(crate) struct ProgressMeter {
    bar: ProgressBar,
    started: Instant,
}

impl ProgressMeter {
    /// Starts with the total size, if it is known.
    pub(crate) fn start(size: Option<u64>) -> Self {
        let (bar, template) = match size {
            Some(size) => (ProgressBar::new(size), "[{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}{msg}"),
            None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}{msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, started: Instant::now() }
    }

    /// Adds processed bytes.
    pub(crate) fn add(&self, bytes: &[u8]) {
        self.bar.inc(bytes.len() as u64);
    }

    /// Shows the number of processed rows.
    pub(crate) fn show_rows(&self, rows: u64) {
        let rate = self.rate(rows);
        self.bar.set_message(format!(", {} rows, {} rows/s", HumanCount(rows), HumanCount(rate)));
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Summarizes the transfer for people: `1,000 rows in 1.5 s (666 rows/s)`.
    pub(crate) fn summary(&self, rows: u64) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        format!("{} rows in {seconds:.1} s ({} rows/s)", HumanCount(rows), HumanCount(self.rate(rows)))
    }

    fn rate(&self, rows: u64) -> u64 {
        let milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        rows.saturating_mul(1_000) / milliseconds
    }
}

#[cfg(test)]
mod tests {
    use super::Format;
    use std::path::Path;

    #[test]
    fn the_extension_sets_the_format_unless_it_is_given() {
        for (file, format) in [
            ("a.ndjson", Format::Ndjson),
            ("a/b.JSONL", Format::Ndjson),
            ("a.csv", Format::Csv),
            ("a.tar.binpb", Format::Delimited),
            ("a.pb", Format::Delimited),
        ] {
            assert_eq!(Format::for_file(None, Path::new(file)).unwrap(), format, "{file}");
            assert_eq!(Format::for_file(Some(Format::Csv), Path::new(file)).unwrap(), Format::Csv);
        }
        for file in ["-", "a", "a.json", ".csv", ""] {
            assert!(Format::for_file(None, Path::new(file)).unwrap_err().message().contains("--format"), "{file}");
        }
    }
}
