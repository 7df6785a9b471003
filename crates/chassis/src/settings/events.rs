//! How long changes and answers are kept, and what following changes may cost.

use super::{parse_duration, parse_size};
use std::time::Duration;

/// The limits of the event log and of watches.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Events and watches")]
pub struct EventSettings {
    /// How long the event log is kept, at least: a watch can be resumed for as long. From 12m on.
    #[arg(long, env = "GROUNDPLAN_LOG_RETENTION", value_name = "DURATION", default_value = "72h",
          value_parser = parse_retention)]
    pub log_retention: Duration,

    /// For how long a call with a request id can be repeated, at least. From 12m on.
    #[arg(long, env = "GROUNDPLAN_REQUEST_ID_RETENTION", value_name = "DURATION", default_value = "24h",
          value_parser = parse_retention)]
    pub request_id_retention: Duration,

    /// How many bytes of changes may wait for a follower that does not read, before it is cut off (KiB and MiB are understood).
    #[arg(long, env = "GROUNDPLAN_WATCH_BUFFER", value_name = "SIZE", default_value = "4MiB", value_parser = parse_size)]
    pub watch_buffer: usize,

    /// How many watches one process serves at once.
    #[arg(long, env = "GROUNDPLAN_MAX_WATCHES", value_name = "COUNT", default_value_t = 20_000)]
    pub max_watches: usize,
}

/// Parses a retention: twelve partitions of at least a minute.
fn parse_retention(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        short if short < Duration::from_secs(720) => Err("must be at least 12m".to_owned()),
        long if long > Duration::from_secs(3_650 * 86_400) => Err("must be at most 87600h".to_owned()),
        retention => Ok(retention),
    }
}
