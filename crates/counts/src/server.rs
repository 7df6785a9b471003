//! A suite in this process, on a PostgreSQL of its own, with all layers of a real one except for the connection.

use crate::models;
use axum::Router;
use groundplan_budget::Memory;
use groundplan_chassis::database::Database;
use groundplan_chassis::layers::{self, RootKey};
use groundplan_chassis::mounted_service::MountedService;
use groundplan_chassis::settings::{DatabaseSettings, Secret, ServerSettings, defaults};
use groundplan_chassis::transport::{self, Transport};
use groundplan_proto::schema::v1::schema_service_client::SchemaServiceClient;
use groundplan_proto::schema::v1::{ApplyRequest, Models, SourceFile};
use groundplan_testkit::TestDatabase;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// The key of the calls.
pub(crate) const KEY: &str = "test_q7mUe0yDk4pXr2vT9aLsWc6nHjZbF1gOxI8uE3wYt5M";

/// Callgrind counts the main thread, which runs only what `block_on` is given. Tasks run on the other thread.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A suite that serves the example's entity.
pub(crate) struct Suite {
    /// All routes with all layers.
    pub(crate) router: Router,
    /// The services in addition to the routes.
    _mounted: [MountedService; 2],
    _database: TestDatabase,
}

impl Suite {
    pub(crate) async fn start() -> Self {
        let database = TestDatabase::new().await;
        let stop = CancellationToken::new();
        let memory = Memory::new(192 << 20);
        let schema = groundplan_schema::mount(groundplan_schema::Dependencies {
            database: connect(&database, groundplan_schema::DATABASE_SCHEMA).await,
            settings: groundplan_schema::Settings::default(),
            stop: stop.clone(),
        });
        let schema = schema.await.unwrap();
        let to_schema = transport::local(schema.router.clone());
        let records = groundplan_records::mount(groundplan_records::Dependencies {
            database: connect(&database, groundplan_records::DATABASE_SCHEMA).await,
            schema: to_schema.clone(),
            settings: groundplan_records::Settings::default(),
            memory: memory.clone(),
            stop,
        });
        let records = records.await.unwrap();
        for ready in schema.ready.iter().chain(&records.ready) {
            ready.clone().wait_for(|ready| *ready).await.unwrap();
        }
        apply(to_schema).await;
        let router = schema.router.clone().merge(records.router.clone());
        let key = RootKey::new(&Secret::new(KEY)).unwrap();
        let router = layers::stack(router, key, None, memory, &defaults::<ServerSettings>());
        Self { router, _mounted: [schema, records], _database: database }
    }
}

async fn connect(database: &TestDatabase, schema: &'static str) -> Database {
    Database::connect(&database.url(), schema, &defaults::<DatabaseSettings>()).await.unwrap()
}

/// Applies the model, and waits until it is served.
async fn apply(schema: Transport) {
    let file = SourceFile { path: models::ENTITY.to_owned(), content: models::source(models::ENTITY) };
    let models = Models { files: vec![file], ..Models::default() };
    let request = ApplyRequest { models: Some(models), ..ApplyRequest::default() };
    let mut updates = SchemaServiceClient::new(schema).apply(request).await.unwrap().into_inner();
    while updates.message().await.unwrap().is_some() {}
}
