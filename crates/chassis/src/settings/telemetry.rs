//! Logs, traces and metrics.

use std::fmt;

/// Logs to standard error, and traces and metrics to a collector.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Telemetry")]
pub struct TelemetrySettings {
    /// Log level (`error`, `warn`, `info`, `debug` or `trace`), or levels by module, such as
    /// `info,groundplan_records=debug`.
    #[arg(long, env = "GROUNDPLAN_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// Log format: `pretty` for people, or `json` with one object per line.
    #[arg(long, env = "GROUNDPLAN_LOG_FORMAT", value_name = "FORMAT", default_value_t = LogFormat::Pretty, value_enum)]
    pub log_format: LogFormat,

    /// OpenTelemetry collector for traces and metrics (OTLP over gRPC), such as `http://localhost:4317`. When it is not
    /// set, neither is exported.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// Add a `traceparent` comment (sqlcommenter) to the SQL statements of sampled traces, so that PostgreSQL's log and
    /// `pg_stat_activity` show the trace. Each such statement is prepared and planned again, which takes one more round
    /// trip.
    #[arg(long, env = "GROUNDPLAN_TRACE_STATEMENTS", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set)]
    pub trace_statements: bool,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object per line, for programs.
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        })
    }
}
