//! What queries may cost.

use super::{parse_duration, parse_size};
use std::time::Duration;

/// The limits of queries.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Queries")]
pub struct QuerySettings {
    /// Maximum size of a table that a query can read in full, in bytes or with KiB, MiB or GiB. On a larger table, a
    /// query without a suitable index is rejected, with a suggested index, unless the request sets `allow_scan`.
    #[arg(long, env = "GROUNDPLAN_SCAN_LIMIT", value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    pub scan_limit: usize,

    /// Time after which a page token expires.
    #[arg(long, env = "GROUNDPLAN_PAGE_TOKEN_LIFETIME", value_name = "DURATION", default_value = "72h",
          value_parser = parse_duration)]
    pub page_token_lifetime: Duration,
}
