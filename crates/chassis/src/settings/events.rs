//! Retention of events, and limits of watches.

use super::{parse_duration, parse_size};
use std::time::Duration;

/// The limits of the event log and of watches.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Events and watches")]
pub struct EventSettings {
    /// Minimum time to keep events in the event log, 12m to 87600h. A watch can be resumed within this time.
    #[arg(long, env = "GROUNDPLAN_LOG_RETENTION", value_name = "DURATION", default_value = "72h",
          value_parser = parse_retention)]
    pub log_retention: Duration,

    /// Minimum time in which a write with a request id can be repeated safely, 12m to 87600h.
    #[arg(long, env = "GROUNDPLAN_REQUEST_ID_RETENTION", value_name = "DURATION", default_value = "24h",
          value_parser = parse_retention)]
    pub request_id_retention: Duration,

    /// Maximum size of the changes waiting for one watcher, in bytes or with KiB, MiB or GiB. A watcher that falls
    /// further behind is disconnected.
    #[arg(long, env = "GROUNDPLAN_WATCH_BUFFER", value_name = "SIZE", default_value = "4MiB", value_parser = parse_size)]
    pub watch_buffer: usize,

    /// Maximum number of concurrent watches in one process.
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
