//! The PostgreSQL that `up` starts by itself.

use std::path::PathBuf;

/// The private PostgreSQL: used when `DB_URL` is absent.
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
