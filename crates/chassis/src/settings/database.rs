//! The database, and the private PostgreSQL.

use super::{Secret, parse_duration};
use std::path::PathBuf;
use std::time::Duration;

/// The connection to PostgreSQL and its limits.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// PostgreSQL connection, as `postgres://user:password@host:5432/database` or as `key=value` pairs. For TLS, use
    /// the parameters of libpq: `?sslmode=verify-full&sslrootcert=FILE`, `sslcert` and `sslkey`. When it is not set,
    /// `up` starts a private PostgreSQL.
    #[arg(long, env = "DB_URL", value_name = "URL", hide_env_values = true)]
    pub db_url: Option<Secret>,

    /// Maximum number of PostgreSQL connections for each service, 1 to 1000.
    #[arg(long, env = "GROUNDPLAN_DB_POOL_SIZE", value_name = "COUNT", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub db_pool_size: u32,

    /// Maximum time to open a connection to PostgreSQL.
    #[arg(long, env = "GROUNDPLAN_DB_CONNECT_TIMEOUT", value_name = "DURATION", default_value = "5s",
          value_parser = parse_duration)]
    pub db_connect_timeout: Duration,

    /// Maximum time that a call waits for a free PostgreSQL connection before it gets UNAVAILABLE.
    #[arg(long, env = "GROUNDPLAN_DB_POOL_TIMEOUT", value_name = "DURATION", default_value = "2s",
          value_parser = parse_duration)]
    pub db_pool_timeout: Duration,

    /// Maximum time that one SQL statement can run.
    #[arg(long, env = "GROUNDPLAN_DB_STATEMENT_TIMEOUT", value_name = "DURATION", default_value = "60s",
          value_parser = parse_duration)]
    pub db_statement_timeout: Duration,
}

/// The mode of migrations.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Database")]
pub struct MigrationSettings {
    /// Create or migrate the services' tables when `serve` starts. With `false`, `serve` only checks that they are up
    /// to date; run `groundplan migrate` to create or migrate them.
    #[arg(long, env = "GROUNDPLAN_MIGRATE", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub migrate: bool,
}

/// The private PostgreSQL, which is used without `DB_URL`.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Private PostgreSQL")]
pub struct PostgresSettings {
    /// Data directory of the private PostgreSQL and the stored API key. Default: `.groundplan` in the working
    /// directory, or, when the process runs as root and the user `postgres` cannot reach that directory, a directory in
    /// `/var/lib/groundplan`.
    #[arg(long, env = "GROUNDPLAN_DATA", value_name = "DIRECTORY")]
    pub data: Option<PathBuf>,

    /// Directory with PostgreSQL's `initdb`, `pg_ctl` and `postgres`. Default: the newest version installed, or else
    /// the one that `deploy/setup.sh` downloads.
    #[arg(long, env = "GROUNDPLAN_PG_BIN", value_name = "DIRECTORY")]
    pub pg_bin: Option<PathBuf>,
}
