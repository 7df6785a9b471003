//! Limits of requests, of the process, and of queries.

use super::{parse_duration, parse_size};
use std::time::Duration;

/// The budgets of requests and of the process.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Budgets")]
pub struct BudgetSettings {
    /// Maximum number of values in all records of one request, at least 1000. Each list element, map entry and value in
    /// a Struct counts as one, and a nested message counts as the number of its fields, set or not.
    #[arg(long, env = "GROUNDPLAN_MAX_VALUES", value_name = "COUNT", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1_000..))]
    pub max_values: u64,

    /// Maximum number of steps to evaluate the expressions of one request outside of PostgreSQL (conditions, rules,
    /// defaults and computed fields), at least 1000. An operator, a list element or 64 compared bytes count as about
    /// one step.
    #[arg(long, env = "GROUNDPLAN_MAX_STEPS", value_name = "COUNT", default_value_t = 10_000_000,
          value_parser = clap::value_parser!(u64).range(1_000..))]
    pub max_steps: u64,

    /// Memory that large requests, watches, imports and exports of one process share, in bytes or with KiB, MiB or GiB;
    /// at least 32MiB. When it is used up, further ones get MEMORY_EXHAUSTED. The whole process needs up to about 300
    /// MiB more.
    #[arg(long, env = "GROUNDPLAN_MEMORY", value_name = "SIZE", default_value = "192MiB", value_parser = parse_memory)]
    pub memory: usize,
}

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

/// Parses the size of the pool: at least what one large request needs.
fn parse_memory(text: &str) -> Result<usize, String> {
    match parse_size(text)? {
        size if size >= 32 << 20 => Ok(size),
        _ => Err("must be at least 32MiB".to_owned()),
    }
}
