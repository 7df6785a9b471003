//! Runs `psql`.

use crate::output::Failure;
use std::process::Command;

/// A database to run `psql` on.
pub(super) struct Psql<'a> {
    pub(super) url: &'a str,
}

impl Psql<'_> {
    /// Runs statements that are separated by `; `, or one `\` command of psql.
    pub(super) fn run(&self, commands: &str) -> Result<(), Failure> {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", self.url]);
        // Each statement is a separate command, because a checkpoint cannot run in a transaction.
        let parts: Vec<&str> = if commands.starts_with('\\') { vec![commands] } else { commands.split("; ").collect() };
        for part in parts {
            psql.args(["--command", part]);
        }
        let done = psql.output()?;
        if done.status.success() {
            return Ok(());
        }
        Err(Failure::new(String::from_utf8_lossy(&done.stderr)))
    }
}
