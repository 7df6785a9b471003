//! The server and its limits.

use super::{BudgetSettings, Networks, parse_duration, parse_size};
use std::net::IpAddr;
use std::time::Duration;

/// Where to listen, and what one caller may ask for.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub struct ServerSettings {
    /// The port for gRPC, gRPC-Web and REST.
    #[arg(long, env = "PORT", value_name = "PORT", default_value_t = 3000)]
    pub port: u16,

    /// The address to listen on. This machine only by default; `0.0.0.0` listens on all.
    #[arg(long, env = "GROUNDPLAN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub listen: IpAddr,

    /// The largest request, in bytes (KiB and MiB are understood).
    #[arg(long, env = "GROUNDPLAN_MAX_MESSAGE", value_name = "SIZE", default_value = "4MiB", value_parser = parse_size)]
    pub max_message: usize,

    /// Calls that one connection may have open at once.
    #[arg(long, env = "GROUNDPLAN_MAX_STREAMS", value_name = "COUNT", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_streams: u32,

    /// Connections that the server has open at most. More are closed at once.
    #[arg(long, env = "GROUNDPLAN_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 4096,
          value_parser = parse_count)]
    pub max_connections: usize,

    /// Connections that one address has open at most: one IPv4 address, or one IPv6 network of 64 bits.
    #[arg(long, env = "GROUNDPLAN_MAX_CONNECTIONS_PER_ADDRESS", value_name = "COUNT", default_value_t = 2048,
          value_parser = parse_count)]
    pub max_connections_per_address: usize,

    /// Calls that may wait for their answers at once, in all; more are told to come again. Streams that have begun do not count.
    #[arg(long, env = "GROUNDPLAN_MAX_CALLS", value_name = "COUNT", default_value_t = 2048, value_parser = parse_count)]
    pub max_calls: usize,

    /// How long a connection is used, give or take a tenth, before its client is told to make another; `0s`: for ever.
    #[arg(long, env = "GROUNDPLAN_CONNECTION_AGE", value_name = "DURATION", default_value = "1h",
          value_parser = parse_duration)]
    pub connection_age: Duration,

    /// How long the calls of such a connection may go on before it is cut.
    #[arg(long, env = "GROUNDPLAN_CONNECTION_AGE_GRACE", value_name = "DURATION", default_value = "10m",
          value_parser = parse_duration)]
    pub connection_age_grace: Duration,

    /// The largest header list of a call, in bytes (KiB and MiB are understood).
    #[arg(long, env = "GROUNDPLAN_MAX_HEADERS", value_name = "SIZE", default_value = "32KiB", value_parser = parse_headers)]
    pub max_headers: u32,

    /// How long a call may take until its answer starts. A caller may ask for less by `grpc-timeout`.
    #[arg(long, env = "GROUNDPLAN_REQUEST_TIMEOUT", value_name = "DURATION", default_value = "60s",
          value_parser = parse_duration)]
    pub request_timeout: Duration,

    /// What an answer may take to start before the call is logged as slow; `0s`: no call is.
    #[arg(long, env = "GROUNDPLAN_SLOW_CALL", value_name = "DURATION", default_value = "1s",
          value_parser = parse_duration)]
    pub slow_call: Duration,

    /// The proxies whose `x-forwarded-for` is believed, by address or network, with commas between them. A caller whose
    /// certificate names `envoy` is one, too. Failed attempts to authenticate are limited by the address that it tells.
    #[arg(long, env = "GROUNDPLAN_TRUSTED_PROXIES", value_name = "LIST", default_value = "127.0.0.0/8,::1/128",
          value_parser = Networks::parse)]
    pub trusted_proxies: Networks,

    /// How long open calls may go on when the server stops; then they are cut.
    #[arg(long, env = "GROUNDPLAN_DRAIN_GRACE", value_name = "DURATION", default_value = "20s",
          value_parser = parse_duration)]
    pub drain_grace: Duration,

    /// How often a quiet HTTP/2 connection is asked whether it is still there.
    #[arg(long, env = "GROUNDPLAN_KEEPALIVE_INTERVAL", value_name = "DURATION", default_value = "30s",
          value_parser = parse_duration)]
    pub keepalive_interval: Duration,

    /// How long such a connection has to answer before it is closed.
    #[arg(long, env = "GROUNDPLAN_KEEPALIVE_TIMEOUT", value_name = "DURATION", default_value = "10s",
          value_parser = parse_duration)]
    pub keepalive_timeout: Duration,

    /// How long a client may take nothing of what is sent to it. Then its connection is to end, and after as long again it is cut.
    #[arg(long, env = "GROUNDPLAN_STALL_TIMEOUT", value_name = "DURATION", default_value = "30s",
          value_parser = parse_positive)]
    pub stall_timeout: Duration,

    /// How long a new connection may take to say which protocol it speaks, and an HTTP/1 request to send its headers.
    #[arg(long, env = "GROUNDPLAN_HEADER_TIMEOUT", value_name = "DURATION", default_value = "10s",
          value_parser = parse_duration)]
    pub header_timeout: Duration,

    /// What one request may use, and what all of them may hold.
    #[command(flatten)]
    pub budgets: BudgetSettings,
}

/// Parses a duration that is not nothing.
fn parse_positive(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("must be longer than nothing".to_owned()),
        duration => Ok(duration),
    }
}

/// Parses how many there may be: at least one.
fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("must be between 1 and 1000000".to_owned()),
    }
}

/// Parses a header list's size: at least what an ordinary call needs.
fn parse_headers(text: &str) -> Result<u32, String> {
    match u32::try_from(parse_size(text)?) {
        Ok(size @ 8_192..=1_048_576) => Ok(size),
        _ => Err("must be between 8KiB and 1MiB".to_owned()),
    }
}
