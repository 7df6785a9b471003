//! What queries may cost.

use super::{parse_duration, parse_size};
use std::time::Duration;

/// The limits of queries.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Queries")]
pub struct QuerySettings {
    /// The largest table that a query may read from end to end, in bytes (KiB, MiB and GiB are understood). On larger ones,
    /// what no index serves is refused, with the index to declare, unless the call sets `allow_scan`.
    #[arg(long, env = "GROUNDPLAN_SCAN_LIMIT", value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    pub scan_limit: usize,

    /// How long a page token is good for.
    #[arg(long, env = "GROUNDPLAN_PAGE_TOKEN_LIFETIME", value_name = "DURATION", default_value = "72h",
          value_parser = parse_duration)]
    pub page_token_lifetime: Duration,
}
