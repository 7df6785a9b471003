//! What one request may use, and what all of them may hold.

use super::parse_size;

/// The budgets of requests and of the process.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Budgets")]
pub struct BudgetSettings {
    /// The most values that all records of one request may have: list elements, map entries, the values in a Struct, and
    /// for each nested message the fields that it could have.
    #[arg(long, env = "GROUNDPLAN_MAX_VALUES", value_name = "COUNT", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1_000..))]
    pub max_values: u64,

    /// The most steps that evaluating the expressions of one request may take outside of PostgreSQL: conditions, rules,
    /// defaults and computed fields. An operator, a list element and 64 compared bytes are about one step each.
    #[arg(long, env = "GROUNDPLAN_MAX_STEPS", value_name = "COUNT", default_value_t = 10_000_000,
          value_parser = clap::value_parser!(u64).range(1_000..))]
    pub max_steps: u64,

    /// The memory that large requests, watches, imports and exports of one process may hold together, in bytes (KiB, MiB and
    /// GiB are understood). More of them get MEMORY_EXHAUSTED. The whole process needs about 300 MiB more at most.
    #[arg(long, env = "GROUNDPLAN_MEMORY", value_name = "SIZE", default_value = "192MiB", value_parser = parse_memory)]
    pub memory: usize,
}

/// Parses the size of the pool: at least what one large request needs.
fn parse_memory(text: &str) -> Result<usize, String> {
    match parse_size(text)? {
        size if size >= 32 << 20 => Ok(size),
        _ => Err("must be at least 32MiB".to_owned()),
    }
}
