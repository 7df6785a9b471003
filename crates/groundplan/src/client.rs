//! The connection to a running suite: its address, the API key, and its errors as command line errors.

use crate::error::CliError;
use crate::key;
use crate::output::print_error;
use groundplan_chassis::private_postgres::PrivatePostgres;
use groundplan_chassis::settings::{CredentialSettings, PostgresSettings, Secret, TlsSettings};
use groundplan_chassis::tls::Tls;
use groundplan_chassis::transport::{self, Transport};
use groundplan_proto::records::v1::records_service_client::RecordsServiceClient;
use groundplan_proto::schema::v1::schema_service_client::SchemaServiceClient;
use std::net::IpAddr;
use std::path::PathBuf;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The largest accepted response, in bytes: the descriptors of a revision, or a plan with its SQL.
const MAX_RESPONSE_BYTES: usize = 64 << 20;

/// The address of the suite.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Suite")]
pub(crate) struct ClientSettings {
    /// Address of a running suite, for `plan`, `apply`, `import`, `export` and `doctor`. When the suite runs on this
    /// machine and no API key is set, the key in the data directory is used; it is never sent to another machine.
    #[arg(long, env = "GROUNDPLAN_ADDRESS", value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub(crate) address: String,
}

/// The settings of calls to a suite.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Client {
    #[command(flatten)]
    pub(crate) suite: ClientSettings,
    #[command(flatten)]
    pub(crate) credentials: CredentialSettings,
    #[command(flatten)]
    pub(crate) postgres: PostgresSettings,
    #[command(flatten)]
    pub(crate) tls: TlsSettings,
}

/// Returns the absolute data directory: the setting, or the default for the working directory.
pub(crate) fn data_directory(settings: &PostgresSettings) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match &settings.data {
        Some(data) => here.join(data),
        None => PrivatePostgres::default_directory(&here),
    }
}

impl Client {
    /// Returns the API key for calls, and its file if it was not set.
    pub(crate) fn key(&self) -> Result<(Secret, Option<PathBuf>), CliError> {
        if let Some(key) = &self.credentials.api_key {
            return Ok((key.clone(), None));
        }
        if !is_this_machine(&self.suite.address) {
            return Err(CliError::usage(format!("API_KEY is not set; {} needs its own key", self.suite.address)));
        }
        let data = data_directory(&self.postgres);
        let file = key::file(&data);
        match key::read(&data)? {
            Some(key) => Ok((key, Some(file))),
            None => Err(CliError::usage(format!(
                "API_KEY is not set, and `groundplan up` has not stored one in {}; set API_KEY, or set GROUNDPLAN_DATA to the \
                 value that `up` uses",
                file.display()
            ))),
        }
    }

    /// Creates the transport to the suite without sending anything.
    pub(crate) fn transport(&self, key: &Secret) -> Result<Transport, CliError> {
        let tls = Tls::load(&self.tls)?;
        transport::remote(&self.suite.address, key, tls.as_ref().map(|tls| (tls, None)))
            .map_err(|error| CliError::usage(format!("GROUNDPLAN_ADDRESS: {}", error.message())))
    }

    /// Prints the address of the suite before a command changes it: with several running suites, a user notices the wrong one.
    fn announce(&self) -> Result<(), CliError> {
        let address = &self.suite.address;
        match self.key()? {
            (_, Some(file)) => {
                print_error(format_args!("groundplan: calling {address} with the API key in {}", file.display()));
            }
            (_, None) => print_error(format_args!("groundplan: calling {address} with the API key that is set")),
        }
        for url in transport::cleartext_urls(address) {
            print_error(format_args!(
                "groundplan: the API key is sent to {url} in clear text; use https unless the network is private"
            ));
        }
        Ok(())
    }

    /// Returns a client of the schema service. Prints the address and the origin of the key to standard error.
    pub(crate) fn announced_schema_client(&self) -> Result<SchemaServiceClient<Transport>, CliError> {
        self.announce()?;
        self.schema_client()
    }

    /// Returns a client of the schema service without printing the address, for later calls of a command.
    pub(crate) fn schema_client(&self) -> Result<SchemaServiceClient<Transport>, CliError> {
        let (key, _) = self.key()?;
        Ok(new_schema_client(self.transport(&key)?))
    }

    /// Returns a client of the records service. Prints the address like the schema client, unless the caller has set the key.
    pub(crate) fn records_client(&self) -> Result<RecordsServiceClient<Transport>, CliError> {
        if self.credentials.api_key.is_none() {
            self.announce()?;
        }
        let (key, _) = self.key()?;
        Ok(RecordsServiceClient::new(self.transport(&key)?).max_decoding_message_size(MAX_RESPONSE_BYTES))
    }

    /// Converts the error of a call to a command line error.
    pub(crate) fn status_error(&self, status: &Status) -> CliError {
        let address = &self.suite.address;
        let is_from_suite = status.get_details_error_info().is_some();
        match status.code() {
            Code::Unavailable | Code::Unknown if !is_from_suite => CliError::new(format!(
                "no suite responds at {address} ({}); start one with `groundplan up` or `make run`, or set GROUNDPLAN_ADDRESS",
                root_cause(status)
            )),
            // tonic's codes for responses that are not gRPC, or not from a known service.
            Code::Internal | Code::Unimplemented | Code::Unauthenticated | Code::PermissionDenied if !is_from_suite => {
                CliError::new(format!(
                    "the server at {address} is not a Groundplan suite; set GROUNDPLAN_ADDRESS to one, or start one with \
                     `groundplan up`"
                ))
            }
            Code::Unauthenticated => CliError::new(format!("{address} rejects the API key: {}", status.message())),
            _ => CliError::new(status.message()),
        }
    }
}

/// Creates a client of the schema service.
pub(crate) fn new_schema_client(transport: Transport) -> SchemaServiceClient<Transport> {
    SchemaServiceClient::new(transport).max_decoding_message_size(MAX_RESPONSE_BYTES)
}

/// Returns the innermost cause of a transport error: `Connection refused` instead of `transport error`.
fn root_cause(status: &Status) -> String {
    let mut cause = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        cause = error.to_string();
        source = error.source();
    }
    cause
}

/// Checks whether a URL refers to this machine.
pub(crate) fn is_this_machine(url: &str) -> bool {
    let Ok(url) = url.parse::<axum::http::Uri>() else { return false };
    let Some(host) = url.host() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn the_stored_key_is_sent_to_this_machine_only() {
        for url in ["http://localhost:3000", "http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]:3000"] {
            assert!(is_this_machine(url), "{url}");
        }
        for url in [
            "http://localhost.example.org",
            "http://127.0.0.1.example.org:3000",
            "http://127.0.0.1@example.org",
            "http://10.0.0.1:3000",
            "http://[::2]",
            "",
        ] {
            assert!(!is_this_machine(url), "{url}");
        }
    }
}
