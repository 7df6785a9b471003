//! Settings: one declaration each, with its flag, environment variable, unit and default. The help text is the manual.
//!
//! `API_KEY`, `PORT` and `DB_URL` have the names of the template; all others start with `GROUNDPLAN_`. Nothing else reads the
//! environment.

mod database;
mod describe;
mod events;
mod limits;
mod networks;
mod secret;
mod server;
mod telemetry;
mod tls;
mod units;

pub use database::{DatabaseSettings, MigrationSettings, PostgresSettings};
pub use describe::{SettingRow, SettingSource, describe};
pub use events::EventSettings;
pub use limits::{BudgetSettings, QuerySettings};
pub use networks::Networks;
pub use secret::{Secret, mask_url};
pub use server::{AdminSettings, CredentialSettings, ServerSettings};
pub use telemetry::{LogFormat, TelemetrySettings};
pub use tls::{AllowList, CallerSettings, TlsSettings};
pub use units::{parse_duration, parse_size};

/// Returns the default settings of a group, for tests and tools.
#[must_use]
pub fn defaults<G: clap::Args>() -> G {
    let command = G::augment_args(clap::Command::new("defaults").no_binary_name(true)).mut_args(|arg| arg.env(None));
    let matches = command.get_matches_from(std::iter::empty::<&str>());
    G::from_arg_matches(&matches).expect("every setting of a group has a default or is optional")
}

#[cfg(test)]
mod tests;
