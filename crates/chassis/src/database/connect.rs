//! Opening connections: where to, with which settings, and what is wrong when it fails.

use super::error::{RETRY_AFTER, read_only};
use super::migration_mode::{MigrationMode, lock_key, outdated_tables};
use super::tls::{self, Tls, advice, is_handshake_error};
use crate::settings::{DatabaseSettings, Secret, mask_url};
use groundplan_error::{Error, Reason};
use std::time::Duration;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Socket};

/// The oldest PostgreSQL that we run on.
const MIN_SERVER_VERSION: i32 = 150_000;

/// What drives a connection.
pub(super) type Connection = tokio_postgres::Connection<Socket, tls::Stream>;

/// Opens a connection to the database of `DB_URL` that belongs to no service, as they would, and drives it by a task of its own.
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
    /// Reads `DB_URL`.
    pub(super) fn parse(url: &Secret, schema: &'static str, settings: &DatabaseSettings) -> Result<Self, Error> {
        let masked_url = mask_url(url.expose());
        let wrong =
            |what: &str| Error::new(Reason::DatabaseUnavailable, format!("DB_URL ({masked_url}) is wrong: {what}"));
        let (rest, tls_pairs) = tls::extract_parameters(url);
        let mut config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
            // Of what cannot be read nobody knows where the password is: only the parser speaks, of options and places.
            let what = error_chain(&error);
            let message = format!("DB_URL is wrong: {what}; expected postgres://user:password@host:5432/database");
            Error::new(Reason::DatabaseUnavailable, message)
        })?;
        let mut tls = Tls::from_pairs(tls_pairs).map_err(|what| wrong(&what))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("it names no host; expected postgres://user:password@host:5432/database"));
        }
        if config.get_user().is_none() {
            return Err(wrong("it names no user; expected postgres://user:password@host:5432/database"));
        }
        if config.get_hosts().is_empty() {
            // By its address a certificate may name it, too.
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

    /// Opens a connection, and drives it by a task of its own.
    pub(super) async fn client(&self) -> Result<Client, Error> {
        let (client, connection) = self.connect_raw().await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Opens a connection that somebody has to drive.
    pub(super) async fn connect_raw(&self) -> Result<(Client, Connection), Error> {
        // The library's own timeout ends with the socket's connect; a server that accepts and then says nothing needs this one.
        match tokio::time::timeout(self.connect_timeout, self.open()).await {
            Ok(opened) => opened,
            Err(_) => Err(self.unreachable(&format!("no answer within {:?}", self.connect_timeout))),
        }
    }

    /// Tries with and without TLS, as far as `sslmode` leaves it open.
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
            // What is no refusal of TLS, or of going without, is the same on the other way.
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

    fn unreachable(&self, why: &str) -> Error {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "its host".to_owned(),
        };
        let message = format!("cannot connect to PostgreSQL at {host} (DB_URL is {}): {why}", self.masked_url);
        Error::new(Reason::DatabaseUnavailable, message).retry_after(RETRY_AFTER)
    }

    /// Checks that the server is one that we can work with, and creates the schema where it is missing.
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
            |what: String| Error::new(Reason::DatabaseUnavailable, format!("the database of DB_URL {what}"));
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
                "the database's lc_messages is not English and may not be changed: passed deadlines, calls that meet in the \
                 database, and values that are too large for it will look like failures of the server; let a superuser run \
                 `GRANT SET ON PARAMETER lc_messages TO` the user of DB_URL"
            );
        }
        if row.get::<_, Option<bool>>(5) == Some(false) {
            let user = row.get::<_, String>(6);
            return Err(unsuitable(format!(
                "has a schema {}, which is not its user's, {user}: DB_URL is another service's",
                self.schema
            )));
        }
        if !exists && mode == MigrationMode::CheckOnly {
            return Err(outdated_tables(self.schema, "there is no such schema"));
        }
        if !exists {
            // IF NOT EXISTS alone is not enough: two processes that start at once would both try.
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

/// Makes PostgreSQL's messages those that we know: Diesel keeps few SQLSTATEs. Only a superuser, or who was granted it, may
/// do so.
pub(super) const SET_ENGLISH_MESSAGES: &str = "SET lc_messages = 'C'";

/// Whether PostgreSQL's messages are those that we know, by its `lc_messages`.
pub(super) fn is_english(language: &str) -> bool {
    matches!(language, "" | "C" | "POSIX") || language.starts_with("C.") || language.starts_with("en")
}

/// The session's settings, behind those that the URL has.
fn session_options(url_options: Option<&str>, schema: &str, statement_timeout: Duration) -> String {
    let schema = schema.replace('\\', "\\\\").replace(' ', "\\ ");
    let mut options = url_options.map(|options| format!("{options} ")).unwrap_or_default();
    options.push_str(&format!("-c search_path={schema}"));
    options.push_str(&format!(" -c statement_timeout={}", statement_timeout.as_millis()));
    // A transaction that a stopped process has left open would hold its locks for ever.
    options.push_str(" -c idle_in_transaction_session_timeout=60000 -c TimeZone=UTC -c client_min_messages=warning");
    // Compiling takes longer than any statement of ours.
    options.push_str(" -c jit=off");
    options
}

/// An error with what caused it: the library's own text says no more than "error connecting to server".
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}
