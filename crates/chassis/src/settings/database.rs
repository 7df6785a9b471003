//! Where the data is.

use super::{Secret, parse_duration};
use std::time::Duration;

/// The connection to PostgreSQL and its limits.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// The PostgreSQL to use, as `postgres://user:password@host:5432/database` or as `key=value` pairs. For TLS it takes what
    /// libpq takes: `?sslmode=verify-full&sslrootcert=FILE`, and `sslcert` and `sslkey`. `up` starts a private PostgreSQL when it
    /// is absent.
    #[arg(long, env = "DB_URL", value_name = "URL", hide_env_values = true)]
    pub db_url: Option<Secret>,

    /// Connections that each service keeps at most.
    #[arg(long, env = "GROUNDPLAN_DB_POOL_SIZE", value_name = "COUNT", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub db_pool_size: u32,

    /// How long opening a connection may take.
    #[arg(long, env = "GROUNDPLAN_DB_CONNECT_TIMEOUT", value_name = "DURATION", default_value = "5s",
          value_parser = parse_duration)]
    pub db_connect_timeout: Duration,

    /// How long a call waits for a free connection before it is answered UNAVAILABLE.
    #[arg(long, env = "GROUNDPLAN_DB_POOL_TIMEOUT", value_name = "DURATION", default_value = "2s",
          value_parser = parse_duration)]
    pub db_pool_timeout: Duration,

    /// How long one statement may run.
    #[arg(long, env = "GROUNDPLAN_DB_STATEMENT_TIMEOUT", value_name = "DURATION", default_value = "60s",
          value_parser = parse_duration)]
    pub db_statement_timeout: Duration,
}

/// Who makes the services' own tables.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct MigrationSettings {
    /// Whether `serve` makes and migrates the services' own tables at its start. With `false` it only checks that they are as new
    /// as it needs; `groundplan migrate` makes them.
    #[arg(long, env = "GROUNDPLAN_MIGRATE", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub migrate: bool,
}
