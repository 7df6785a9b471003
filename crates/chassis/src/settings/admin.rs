//! The port for those who run the process.

use std::net::IpAddr;

/// Where health and metrics are, for those who run the process.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Operation")]
pub struct AdminSettings {
    /// Port for `/livez`, `/readyz` and `/metrics` (Prometheus), served without credentials and TLS. Without it, no
    /// admin port is opened.
    #[arg(long, env = "GROUNDPLAN_ADMIN_PORT", value_name = "PORT")]
    pub admin_port: Option<u16>,

    /// Address on which the admin port listens. The default accepts connections from this machine only.
    #[arg(long, env = "GROUNDPLAN_ADMIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub admin_listen: IpAddr,
}
