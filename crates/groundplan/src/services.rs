//! The services that this binary can run, and how each is mounted: the wiring is a loop over this.

use groundplan_chassis::database::{Database, Shape};
use groundplan_chassis::mounted::Mounted;
use groundplan_chassis::settings::{AllowList, DatabaseSettings, EventSettings, QuerySettings, Secret, ServerSettings};
use groundplan_chassis::tls::Tls;
use groundplan_chassis::transport::{self, Transport};
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Service {
    /// Keeps the revisions of the models, and applies
    Schema,
    /// Stores and serves the models' records: gRPC, REST and reflection
    Records,
}

impl Service {
    /// All of them: who is asked comes before who asks.
    pub(crate) const ALL: [Self; 2] = [Self::Schema, Self::Records];
}

impl Service {
    /// Makes and migrates the service's own tables.
    pub(crate) async fn migrate(self, db_url: &Secret, settings: &DatabaseSettings) -> Result<(), Error> {
        match self {
            Self::Schema => {
                let database = Database::connect(db_url, groundplan_schema::DATABASE_SCHEMA, settings).await?;
                groundplan_schema::migrate(&database).await
            }
            Self::Records => {
                let database = Database::connect(db_url, groundplan_records::DATABASE_SCHEMA, settings).await?;
                groundplan_records::migrate(&database).await
            }
        }
    }
}

/// Who may call these services, and what, when nobody said: Envoy everything, and a service what it needs of another.
pub(crate) fn callers(services: &[Service]) -> AllowList {
    let schema = services.contains(&Service::Schema).then_some(("records", "/groundplan.schema.v1."));
    AllowList::of([("envoy", "/")].into_iter().chain(schema))
}

/// What services are mounted with.
pub(crate) struct Surroundings<'a> {
    pub(crate) db_url: &'a Secret,
    pub(crate) api_key: &'a Secret,
    pub(crate) database: &'a DatabaseSettings,
    /// Whether the services' tables are made, or only checked.
    pub(crate) shape: Shape,
    pub(crate) queries: &'a QuerySettings,
    pub(crate) events: &'a EventSettings,
    pub(crate) server: &'a ServerSettings,
    /// Where `schema` is if it is not in this process.
    pub(crate) schema_url: Option<&'a str>,
    /// How it is known there, if the way is by mutual TLS.
    pub(crate) tls: Option<&'a Arc<Tls>>,
    pub(crate) stop: &'a CancellationToken,
}

impl Surroundings<'_> {
    /// Mounts the services that were asked for, each once, in the order in which they need each other.
    pub(crate) async fn mount(&self, services: &[Service]) -> Result<Vec<Mounted>, Error> {
        let mut mounted = Vec::new();
        let mut schema = self.schema_url.map(|url| transport::remote(url, self.api_key, self.tls)).transpose()?;
        for service in Service::ALL.into_iter().filter(|service| services.contains(service)) {
            let one = self.mount_one(service, schema.clone()).await?;
            if service == Service::Schema {
                schema = Some(transport::local(one.router.clone()));
            }
            mounted.push(one);
        }
        Ok(mounted)
    }

    async fn mount_one(&self, service: Service, schema: Option<Transport>) -> Result<Mounted, Error> {
        let stop = self.stop.clone();
        match service {
            Service::Schema => {
                let database = self.connect(groundplan_schema::DATABASE_SCHEMA).await?;
                let settings = groundplan_schema::Settings::default();
                groundplan_schema::mount(groundplan_schema::Dependencies { database, settings, stop }).await
            }
            Service::Records => {
                let missing = || {
                    Error::new(
                        Reason::PeerUnavailable,
                        "records needs GROUNDPLAN_SCHEMA_URL, or schema in this process",
                    )
                };
                let schema = schema.ok_or_else(missing)?;
                let database = self.connect(groundplan_records::DATABASE_SCHEMA).await?;
                let settings = groundplan_records::Settings {
                    max_message_bytes: self.server.max_message,
                    scan_limit_bytes: self.queries.scan_limit,
                    page_token_lifetime: self.queries.page_token_lifetime,
                    log_retention: self.events.log_retention,
                    watch_buffer_bytes: self.events.watch_buffer,
                    max_watches: self.events.max_watches,
                    request_id_retention: self.events.request_id_retention,
                };
                groundplan_records::mount(groundplan_records::Dependencies { database, schema, settings, stop }).await
            }
        }
    }

    async fn connect(&self, schema: &'static str) -> Result<Database, Error> {
        Database::connect_to(self.db_url, schema, self.database, self.shape).await
    }
}
