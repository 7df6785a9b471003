//! The PostgreSQL that `up` starts by itself.

use std::path::PathBuf;

/// The private PostgreSQL: used when `DB_URL` is absent.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Private PostgreSQL")]
pub struct PostgresSettings {
    /// The directory for the private PostgreSQL's data. By default `.groundplan` in the working directory, or, where the
    /// user `postgres` cannot reach that (we drop root), one below `/var/lib/groundplan`.
    #[arg(long, env = "GROUNDPLAN_DATA", value_name = "DIRECTORY")]
    pub data: Option<PathBuf>,

    /// The directory with PostgreSQL's `initdb`, `pg_ctl` and `postgres`. By default the newest that is installed, or
    /// the one that `deploy/setup.sh` brings where none is.
    #[arg(long, env = "GROUNDPLAN_PG_BIN", value_name = "DIRECTORY")]
    pub pg_bin: Option<PathBuf>,
}
