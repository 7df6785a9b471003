//! Opening connections: the target, the session settings, and errors.

use super::error::{RETRY_AFTER, read_only};
use super::migration_mode::{MigrationMode, lock_key, outdated_tables};
use super::tls::{self, Tls, advice, is_handshake_error};
use crate::settings::{DatabaseSettings, Secret, mask_url};
use groundplan_error::{Error, Reason};
use std::time::Duration;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Socket};

/// The oldest supported version of PostgreSQL.
const MIN_SERVER_VERSION: i32 = 150_000;

/// The future that drives a connection.
pub(super) type Connection = tokio_postgres::Connection<Socket, tls::Stream>;

/// Opens a connection to the database of `DB_URL` like a service does, in the schema `public`, and spawns a task that drives it.
pub async fn client(url: &Secret, settings: &DatabaseSettings) -> Result<Client, Error> {
    ConnectionTarget::parse(url, "public", settings)?.client().await
}

/// A database, and a schema in it.
pub(super) struct ConnectionTarget {
    config: Config,
    tls: Tls,
    schema: &'static str,
    /// The URL without its password, for messages.
    masked_url: String,
    connect_timeout: Duration,
}

impl ConnectionTarget {
    /// Parses `DB_URL`.
    pub(super) fn parse(url: &Secret, schema: &'static str, settings: &DatabaseSettings) -> Result<Self, Error> {
        let masked_url = mask_url(url.expose());
        let invalid_url = |problem: &str| {
            Error::new(Reason::DatabaseUnavailable, format!("DB_URL ({masked_url}) is wrong: {problem}"))
        };
        let (rest, tls_pairs) = tls::extract_parameters(url);
        let mut config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
            // The position of the password in an unreadable URL is unknown, so quote only the parser's message, which names
            // options and positions.
            let problem = error_chain(&error);
            let message = format!("DB_URL is wrong: {problem}; expected postgres://user:password@host:5432/database");
            Error::new(Reason::DatabaseUnavailable, message)
        })?;
        let mut tls = Tls::from_pairs(tls_pairs).map_err(|problem| invalid_url(&problem))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(invalid_url("it names no host; expected postgres://user:password@host:5432/database"));
        }
        if config.get_user().is_none() {
            return Err(invalid_url("it names no user; expected postgres://user:password@host:5432/database"));
        }
        if config.get_hosts().is_empty() {
            // A certificate can also name the address.
            config.get_hostaddrs().to_vec().into_iter().for_each(|address| {
                config.host(address.to_string());
            });
        } else if config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) {
            tls.disable();
        }
        let options = session_options(config.get_options(), schema, settings.db_statement_timeout);
        config
            .options(options)
            .application_name(format!("groundplan-{schema}"))
            .connect_timeout(settings.db_connect_timeout)
            .keepalives_idle(Duration::from_secs(30));
        Ok(Self { config, tls, schema, masked_url, connect_timeout: settings.db_connect_timeout })
    }

    pub(super) fn schema(&self) -> &'static str {
        self.schema
    }

    /// Opens a connection, and spawns a task that drives it.
    pub(super) async fn client(&self) -> Result<Client, Error> {
        let (client, connection) = self.connect_raw().await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Opens a connection that the caller must drive.
    pub(super) async fn connect_raw(&self) -> Result<(Client, Connection), Error> {
        // The library's timeout covers only the connect of the socket; a server that accepts and then does not respond needs this
        // one.
        match tokio::time::timeout(self.connect_timeout, self.open()).await {
            Ok(opened) => opened,
            Err(_) => Err(self.unreachable(&format!("no response within {:?}", self.connect_timeout))),
        }
    }

    /// Tries with and without TLS, as `sslmode` allows.
    async fn open(&self) -> Result<(Client, Connection), Error> {
        let connector = self.tls.connector().await?;
        let (mut messages, mut cause) = (Vec::new(), None);
        for &mode in self.tls.attempts() {
            let mut config = self.config.clone();
            let error = match config.ssl_mode(mode).connect(connector.clone()).await {
                Ok(opened) => return Ok(opened),
                Err(error) => error,
            };
            let advice = advice(&error, self.tls.parameters()).map(|advice| format!("; {advice}"));
            messages.push(error_chain(&error) + &advice.unwrap_or_default());
            // Only errors about TLS can differ in the next attempt.
            let depends_on_tls =
                is_handshake_error(&error) || error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
            cause = Some(error);
            if !depends_on_tls {
                break;
            }
        }
        let unreachable = self.unreachable(&messages.join("; then: "));
        Err(match cause {
            Some(cause) => unreachable.caused_by(cause),
            None => unreachable,
        })
    }

    fn unreachable(&self, reason: &str) -> Error {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "its host".to_owned(),
        };
        let message = format!("cannot connect to PostgreSQL at {host} (DB_URL is {}): {reason}", self.masked_url);
        Error::new(Reason::DatabaseUnavailable, message).retry_after(RETRY_AFTER)
    }

    /// Checks that the server is suitable, and creates the schema if it does not exist.
    pub(super) async fn prepare(&self, mode: MigrationMode) -> Result<(), Error> {
        let client = self.client().await?;
        let failed = |error: tokio_postgres::Error| self.unreachable(&error_chain(&error)).caused_by(error);
        let row = client
            .query_one(
                "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
                        pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
                        EXISTS (SELECT FROM pg_namespace WHERE nspname = $1), current_setting('lc_messages'),
                        (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1), current_user::text",
                &[&self.schema],
            )
            .await
            .map_err(failed)?;
        let (version, encoding, is_read_only, exists) =
            (row.get::<_, i32>(0), row.get::<_, String>(1), row.get::<_, bool>(2), row.get::<_, bool>(3));
        let unsuitable =
            |problem: String| Error::new(Reason::DatabaseUnavailable, format!("the database of DB_URL {problem}"));
        if version < MIN_SERVER_VERSION {
            return Err(unsuitable(format!("runs PostgreSQL {}; 15 or later is needed", version / 10_000)));
        }
        if encoding != "UTF8" {
            return Err(unsuitable(format!("is encoded in {encoding}; create one with ENCODING 'UTF8'")));
        }
        if is_read_only {
            return Err(read_only());
        }
        let language = row.get::<_, String>(4);
        if !is_english(&language)
            && let Err(error) = client.batch_execute(SET_ENGLISH_MESSAGES).await
        {
            tracing::warn!(
                language,
                error = error_chain(&error),
                "the database's lc_messages is not English and cannot be changed: expired deadlines, conflicting transactions, \
                 and values that are too large will look like failures of the server; as a superuser run `GRANT SET ON \
                 PARAMETER lc_messages TO` the user of DB_URL"
            );
        }
        if row.get::<_, Option<bool>>(5) == Some(false) {
            let user = row.get::<_, String>(6);
            return Err(unsuitable(format!(
                "has a schema {}, which does not belong to its user, {user}: DB_URL is for another service",
                self.schema
            )));
        }
        if !exists && mode == MigrationMode::CheckOnly {
            return Err(outdated_tables(self.schema, "the schema does not exist"));
        }
        if !exists {
            // IF NOT EXISTS is not enough: two processes that start at the same time would both try.
            let sql = format!(
                "BEGIN; SELECT pg_advisory_xact_lock({}); CREATE SCHEMA IF NOT EXISTS \"{}\"; COMMIT",
                lock_key("schema"),
                self.schema.replace('"', "\"\"")
            );
            client.batch_execute(&sql).await.map_err(|error| {
                unsuitable(format!("has no schema {}, and it cannot be created: {}", self.schema, error_chain(&error)))
            })?;
        }
        Ok(())
    }
}

/// Sets PostgreSQL's messages to English, because Diesel keeps few SQLSTATEs and the messages must be recognized. Needs a
/// superuser, or a grant.
pub(super) const SET_ENGLISH_MESSAGES: &str = "SET lc_messages = 'C'";

/// Checks by `lc_messages` whether PostgreSQL's messages are English.
pub(super) fn is_english(language: &str) -> bool {
    matches!(language, "" | "C" | "POSIX") || language.starts_with("C.") || language.starts_with("en")
}

/// Returns the session settings, after those of the URL.
fn session_options(url_options: Option<&str>, schema: &str, statement_timeout: Duration) -> String {
    let schema = schema.replace('\\', "\\\\").replace(' ', "\\ ");
    let mut options = url_options.map(|options| format!("{options} ")).unwrap_or_default();
    options.push_str(&format!("-c search_path={schema}"));
    options.push_str(&format!(" -c statement_timeout={}", statement_timeout.as_millis()));
    // A transaction that a stopped process left open would hold its locks permanently.
    options.push_str(" -c idle_in_transaction_session_timeout=60000 -c TimeZone=UTC -c client_min_messages=warning");
    // Compiling takes longer than any statement of the services.
    options.push_str(" -c jit=off");
    options
}

/// Returns an error with its causes: the library's own text is only "error connecting to server".
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
