//! The port for those who run the process.

use std::net::IpAddr;

/// Where health and metrics are, for those who run the process.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Operation")]
pub struct AdminSettings {
    /// The port for `/livez`, `/readyz` and `/metrics` (Prometheus), without credentials and TLS. None when it is absent.
    #[arg(long, env = "GROUNDPLAN_ADMIN_PORT", value_name = "PORT")]
    pub admin_port: Option<u16>,

    /// The address on which that port is listened on.
    #[arg(long, env = "GROUNDPLAN_ADMIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub admin_listen: IpAddr,
}
