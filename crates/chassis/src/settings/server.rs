//! The server with its limits, the admin port, and the credentials of callers.

use super::{BudgetSettings, Networks, Secret, parse_duration, parse_size};
use std::net::IpAddr;
use std::time::Duration;

/// The address of the server, and its limits.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub struct ServerSettings {
    /// Port for gRPC, gRPC-Web and REST.
    #[arg(long, env = "PORT", value_name = "PORT", default_value_t = 3000)]
    pub port: u16,

    /// Address to listen on. The default accepts connections from this machine only; `0.0.0.0` accepts them on all
    /// interfaces.
    #[arg(long, env = "GROUNDPLAN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub listen: IpAddr,

    /// Maximum size of a request, in bytes or with KiB, MiB or GiB.
    #[arg(long, env = "GROUNDPLAN_MAX_MESSAGE", value_name = "SIZE", default_value = "4MiB", value_parser = parse_size)]
    pub max_message: usize,

    /// Maximum number of concurrent calls on one connection, at least 1.
    #[arg(long, env = "GROUNDPLAN_MAX_STREAMS", value_name = "COUNT", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_streams: u32,

    /// Maximum number of open connections, 1 to 1000000. Further connections are closed immediately.
    #[arg(long, env = "GROUNDPLAN_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 4096,
          value_parser = parse_count)]
    pub max_connections: usize,

    /// Maximum number of open connections from one address, 1 to 1000000. An IPv6 network of 64 bits counts as one
    /// address.
    #[arg(long, env = "GROUNDPLAN_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", default_value_t = 2048,
          value_parser = parse_count)]
    pub max_connections_per_address: usize,

    /// Maximum number of concurrent calls awaiting a response, 1 to 1000000. Further calls get UNAVAILABLE. A stream no
    /// longer counts once its response has started.
    #[arg(long, env = "GROUNDPLAN_MAX_CALLS", value_name = "COUNT", default_value_t = 2048, value_parser = parse_count)]
    pub max_calls: usize,

    /// Maximum age of a connection (±10 % jitter) before its client is asked to reconnect; `0s` disables the limit.
    #[arg(long, env = "GROUNDPLAN_CONNECTION_AGE", value_name = "DURATION", default_value = "1h",
          value_parser = parse_duration)]
    pub connection_age: Duration,

    /// Time for open calls to finish after a connection reaches its maximum age, before the connection is closed.
    #[arg(long, env = "GROUNDPLAN_CONNECTION_AGE_GRACE", value_name = "DURATION", default_value = "10m",
          value_parser = parse_duration)]
    pub connection_age_grace: Duration,

    /// Maximum size of the headers of a call, 8KiB to 1MiB, in bytes or with KiB or MiB.
    #[arg(long, env = "GROUNDPLAN_MAX_HEADERS", value_name = "SIZE", default_value = "32KiB", value_parser = parse_headers)]
    pub max_headers: u32,

    /// Maximum time until the response to a call starts. A caller can set a shorter one with `grpc-timeout`.
    #[arg(long, env = "GROUNDPLAN_REQUEST_TIMEOUT", value_name = "DURATION", default_value = "60s",
          value_parser = parse_duration)]
    pub request_timeout: Duration,

    /// Log calls that take longer than this to start responding; `0s` disables this log.
    #[arg(long, env = "GROUNDPLAN_SLOW_CALL", value_name = "DURATION", default_value = "1s",
          value_parser = parse_duration)]
    pub slow_call: Duration,

    /// Proxies whose `x-forwarded-for` header is trusted, as a comma-separated list of addresses or networks. A caller
    /// whose certificate names `envoy` is also trusted. Failed authentication attempts are limited by the address in
    /// that header.
    #[arg(long, env = "GROUNDPLAN_TRUSTED_PROXIES", value_name = "LIST", default_value = "127.0.0.0/8,::1/128",
          value_parser = Networks::parse)]
    pub trusted_proxies: Networks,

    /// Time for open calls to finish when the server stops; after it, they are closed.
    #[arg(long, env = "GROUNDPLAN_DRAIN_GRACE", value_name = "DURATION", default_value = "20s",
          value_parser = parse_duration)]
    pub drain_grace: Duration,

    /// Interval of the HTTP/2 pings on an idle connection.
    #[arg(long, env = "GROUNDPLAN_KEEPALIVE_INTERVAL", value_name = "DURATION", default_value = "30s",
          value_parser = parse_duration)]
    pub keepalive_interval: Duration,

    /// Time for the client to acknowledge an HTTP/2 ping before its connection is closed.
    #[arg(long, env = "GROUNDPLAN_KEEPALIVE_TIMEOUT", value_name = "DURATION", default_value = "10s",
          value_parser = parse_duration)]
    pub keepalive_timeout: Duration,

    /// Time after which a connection is drained because the client reads none of the data sent to it; after the same
    /// time again, it is closed. Must be longer than 0s.
    #[arg(long, env = "GROUNDPLAN_STALL_TIMEOUT", value_name = "DURATION", default_value = "30s",
          value_parser = parse_positive)]
    pub stall_timeout: Duration,

    /// Maximum time for the TLS handshake, for the first bytes of a connection, and for the headers of an HTTP/1
    /// request.
    #[arg(long, env = "GROUNDPLAN_HEADER_TIMEOUT", value_name = "DURATION", default_value = "10s",
          value_parser = parse_duration)]
    pub header_timeout: Duration,

    /// What one request may use, and what all of them may hold.
    #[command(flatten)]
    pub budgets: BudgetSettings,
}

/// The address of the admin port, with health and metrics.
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

/// Credentials of the root principal.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Credentials")]
pub struct CredentialSettings {
    /// Key of the root principal, which callers send as `authorization: Bearer <key>`: 32 random bytes, as 64
    /// hexadecimal digits or 43 base64 characters (`openssl rand -hex 32`). Required, except that `up` generates a key
    /// when it is not set.
    // Its form is checked by layers::RootKey, whose error, unlike clap's, does not repeat the value.
    #[arg(long, env = "API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<Secret>,
}

/// Parses a duration that is not zero.
fn parse_positive(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("must be longer than zero".to_owned()),
        duration => Ok(duration),
    }
}

/// Parses a count of at least one.
fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("must be between 1 and 1000000".to_owned()),
    }
}

/// Parses the size of a header list: at least what an ordinary call needs.
fn parse_headers(text: &str) -> Result<u32, String> {
    match u32::try_from(parse_size(text)?) {
        Ok(size @ 8_192..=1_048_576) => Ok(size),
        _ => Err("must be between 8KiB and 1MiB".to_owned()),
    }
}
