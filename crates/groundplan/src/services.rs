//! The services that this binary can run, and how each is mounted.

use crate::service_settings::ServiceSettings;
use groundplan_budget::Memory;
use groundplan_chassis::database::{Database, MigrationMode};
use groundplan_chassis::mounted_service::MountedService;
use groundplan_chassis::settings::{AllowList, DatabaseSettings, Secret};
use groundplan_chassis::tls::Tls;
use groundplan_chassis::transport::{self, Transport};
use groundplan_error::{Error, Reason};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Service {
    /// Plans and applies models, and keeps their revisions
    Schema,
    /// Stores and serves the models' records: gRPC, REST and reflection
    Records,
}

impl Service {
    /// All services; a service stands after those that it calls.
    pub(crate) const ALL: [Self; 2] = [Self::Schema, Self::Records];
}

impl Service {
    /// Creates and migrates the service's tables.
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

/// Returns the default allow list: Envoy can call the public services, and a service can call those that it needs.
pub(crate) fn default_allow_list(services: &[Service]) -> AllowList {
    let has = |service| services.contains(&service);
    let list = match (has(Service::Schema), has(Service::Records)) {
        (true, false) => "envoy=/groundplan.schema.v1.SchemaService/,records=/groundplan.schema.v1.",
        (true, true) => "envoy,envoy!=/groundplan.schema.v1.DistributionService/,records=/groundplan.schema.v1.",
        (false, _) => "envoy",
    };
    AllowList::parse(list).expect("the lists above are valid; a test parses each")
}

/// The dependencies of services.
pub(crate) struct MountContext<'a> {
    pub(crate) db_url: &'a Secret,
    pub(crate) api_key: &'a Secret,
    pub(crate) settings: &'a ServiceSettings,
    /// Whether the services' tables are migrated or only checked.
    pub(crate) migration_mode: MigrationMode,
    /// The memory that all calls of the process share.
    pub(crate) memory: &'a Memory,
    /// The URL of `schema` if it runs in another process.
    pub(crate) schema_url: Option<&'a str>,
    /// The certificates for calls with mutual TLS.
    pub(crate) tls: Option<&'a Arc<Tls>>,
    pub(crate) stop: &'a CancellationToken,
}

impl MountContext<'_> {
    /// Mounts the requested services, each once, in the order of their dependencies.
    pub(crate) async fn mount(&self, services: &[Service]) -> Result<Vec<MountedService>, Error> {
        let mut mounted = Vec::new();
        let mut schema = self.schema_url.map(|url| self.schema_transport(url)).transpose()?;
        for service in Service::ALL.into_iter().filter(|service| services.contains(service)) {
            let one = self.mount_service(service, schema.clone()).await?;
            if service == Service::Schema {
                schema = Some(transport::local(one.router.clone()));
            }
            mounted.push(one);
        }
        Ok(mounted)
    }

    /// Returns a transport to `schema` in another process. Its certificate must name `schema`.
    fn schema_transport(&self, url: &str) -> Result<Transport, Error> {
        for one in transport::cleartext_urls(url) {
            tracing::warn!(
                url = one,
                "the API key is sent to another machine in clear text; use https, with GROUNDPLAN_TLS_CERT, GROUNDPLAN_TLS_KEY \
                 and GROUNDPLAN_TLS_CA"
            );
        }
        transport::remote(url, self.api_key, self.tls.map(|tls| (tls, Some("schema"))))
    }

    async fn mount_service(&self, service: Service, schema: Option<Transport>) -> Result<MountedService, Error> {
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
                    max_message_bytes: self.settings.server.max_message,
                    scan_limit_bytes: self.settings.queries.scan_limit,
                    page_token_lifetime: self.settings.queries.page_token_lifetime,
                    log_retention: self.settings.events.log_retention,
                    watch_buffer_bytes: self.settings.events.watch_buffer,
                    max_watches: self.settings.events.max_watches,
                    request_id_retention: self.settings.events.request_id_retention,
                };
                let memory = self.memory.clone();
                let dependencies = groundplan_records::Dependencies { database, schema, settings, memory, stop };
                groundplan_records::mount(dependencies).await
            }
        }
    }

    async fn connect(&self, schema: &'static str) -> Result<Database, Error> {
        Database::connect_to(self.db_url, schema, &self.settings.database, self.migration_mode).await
    }
}

#[cfg(test)]
mod tests {
    use super::{Service, default_allow_list};

    #[test]
    fn envoy_cannot_report_progress() {
        const APPLY: &str = "/groundplan.schema.v1.SchemaService/Apply";
        const REPORT: &str = "/groundplan.schema.v1.DistributionService/ReportProgress";
        for services in [&[Service::Schema][..], &Service::ALL] {
            let list = default_allow_list(services);
            assert!(list.allows("envoy", APPLY) && !list.allows("envoy", REPORT), "{list}");
            assert!(list.allows("records", APPLY) && list.allows("records", REPORT), "{list}");
        }
        let list = default_allow_list(&[Service::Records]);
        assert!(
            list.allows("envoy", "/example.v1.EntityService/CreateEntity") && !list.allows("records", APPLY),
            "{list}"
        );
    }
}
