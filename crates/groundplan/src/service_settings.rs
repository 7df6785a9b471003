//! The settings that `up` and `serve` share.

use groundplan_chassis::settings::{
    AdminSettings, CredentialSettings, DatabaseSettings, EventSettings, QuerySettings, ServerSettings,
};

/// The settings of every process that serves.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServiceSettings {
    #[command(flatten)]
    pub(crate) server: ServerSettings,
    #[command(flatten)]
    pub(crate) admin: AdminSettings,
    #[command(flatten)]
    pub(crate) credentials: CredentialSettings,
    #[command(flatten)]
    pub(crate) database: DatabaseSettings,
    #[command(flatten)]
    pub(crate) queries: QuerySettings,
    #[command(flatten)]
    pub(crate) events: EventSettings,
}
