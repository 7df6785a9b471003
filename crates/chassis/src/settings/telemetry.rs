//! Logs, traces and metrics.

use std::fmt;

/// Logs to standard error, and traces and metrics to a collector.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Telemetry")]
pub struct TelemetrySettings {
    /// What to log: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels by module, as in
    /// `info,groundplan_records=debug`.
    #[arg(long, env = "GROUNDPLAN_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// How to log: for people, or one JSON object a line.
    #[arg(long, env = "GROUNDPLAN_LOG_FORMAT", value_name = "FORMAT", default_value_t = LogFormat::Pretty, value_enum)]
    pub log_format: LogFormat,

    /// The OpenTelemetry collector for traces and metrics (OTLP over gRPC), such as `http://localhost:4317`. Neither is made when
    /// it is absent.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// Whether statements of sampled traces name them in a comment (`traceparent`, as sqlcommenter has it), so that PostgreSQL's log and
    /// `pg_stat_activity` lead to the trace. Each such statement is prepared and planned anew, which takes a round trip more.
    #[arg(long, env = "GROUNDPLAN_TRACE_STATEMENTS", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set)]
    pub trace_statements: bool,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line, for machines.
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
