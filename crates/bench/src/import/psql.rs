//! `psql`, as people run it.

use crate::output::Failure;
use std::process::Command;

/// A database.
pub(super) struct Psql<'a> {
    pub(super) url: &'a str,
}

impl Psql<'_> {
    /// Runs statements, or a command of psql's own.
    pub(super) fn run(&self, commands: &str) -> Result<(), Failure> {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", self.url]);
        // Each statement by itself: a checkpoint cannot be in a transaction.
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
