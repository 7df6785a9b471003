//! A database, the service on it, and a caller.

use crate::call::Call;
use crate::served::Served;
use crate::state::Records;
use crate::{DATABASE_SCHEMA, MIGRATIONS, Settings, derived, history, records_service};
use bytes::{Buf, BufMut, Bytes};
use groundplan_budget::{Budget, Memory};
use groundplan_chassis::database::{Database, PgRow, Sql, rows};
use groundplan_chassis::settings::{DatabaseSettings, defaults};
use groundplan_chassis::transport::{self, Transport};
use groundplan_chassis::{layers, mounted_service};
use groundplan_error::Error;
use groundplan_identity::Principal;
use groundplan_model::catalog::{Catalog, MethodKind, Model};
use groundplan_model::{Input, SourceFile, StorageNames};
use groundplan_testkit::TestDatabase;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Response, Status, Streaming};

/// The models of most tests.
pub(super) const MODELS: &str = include_str!("models.proto");

/// The service, serving what was applied to it.
pub(super) struct Fixture {
    pub(super) database: Database,
    pub(super) records: Records,
    pub(super) transport: Transport,
    server: TestDatabase,
    _tasks: JoinSet<()>,
}

impl Fixture {
    /// Creates a service without models.
    pub(super) async fn empty() -> Self {
        Self::with_settings(Settings::default()).await
    }

    /// An empty service with limits of its own.
    pub(super) async fn with_settings(settings: Settings) -> Self {
        Self::with(settings, defaults()).await
    }

    /// An empty service that has so many connections.
    pub(super) async fn with_connections(connections: u32) -> Self {
        let database = DatabaseSettings { db_pool_size: connections, ..defaults() };
        Self::with(Settings::default(), database).await
    }

    async fn with(settings: Settings, connections: DatabaseSettings) -> Self {
        let server = TestDatabase::new().await;
        let database = Database::connect(&server.url(), DATABASE_SCHEMA, &connections).await.unwrap();
        database.migrate(MIGRATIONS).await.unwrap();
        database.migrate(groundplan_eventlog::MIGRATIONS).await.unwrap();
        let records =
            Records::open(database.clone(), settings, Memory::new(192 << 20), CancellationToken::new()).await.unwrap();
        let mut tasks = JoinSet::new();
        crate::tasks::spawn(&records, &mut tasks);
        let routes = derived::router(records.clone(), settings)
            .merge(mounted_service::grpc_routes(records_service::server(records.clone())));
        let transport = transport::local(layers::message_layers(routes));
        Self { database, records, transport, server, _tasks: tasks }
    }

    /// The service with [`MODELS`].
    pub(super) async fn new() -> Self {
        let fixture = Self::empty().await;
        fixture.apply(1, MODELS).await.unwrap();
        fixture
    }

    /// Completes the storage of a revision and serves it.
    pub(super) async fn apply(&self, revision: i64, source: &str) -> Result<(), Error> {
        let served = Served::compile(catalog(revision, source))?;
        let base = self.records.served().ok().map(|served| served.catalog.clone());
        self.prepare(base, served.catalog.clone()).await?;
        history::keep(&self.records, &served.catalog).await?;
        self.records.serve(served);
        Ok(())
    }

    pub(super) async fn prepare(&self, base: Option<Arc<Catalog>>, target: Arc<Catalog>) -> Result<usize, Error> {
        groundplan_storage::prepare(self.database.clone(), base, target, Box::new(|_, _| {})).await
    }

    /// Connects to the same PostgreSQL like another process.
    pub(super) async fn another_database(&self) -> Database {
        connect(&self.server).await
    }

    /// The served model of a name.
    pub(super) fn model(&self, name: &str) -> Arc<Model> {
        let served = self.records.served().unwrap();
        served.catalog.model(&format!("test.v1.{name}")).unwrap().clone()
    }

    /// A call for a model by `principal`, past gRPC.
    pub(super) fn operation<'a>(&'a self, principal: &'a Principal, model: &str) -> Call<'a> {
        let served = self.records.served().unwrap();
        let table = served.table(&self.model(model)).unwrap().clone();
        Call { records: &self.records, principal, budget: Budget::default(), served, table }
    }

    /// Calls a method of a model with a JSON request. Returns the response as JSON.
    pub(super) async fn call(&self, model: &str, kind: MethodKind, request: Value) -> Result<Value, Status> {
        self.call_with_metadata(model, kind, request).await.map(Response::into_inner)
    }

    pub(super) async fn call_with_metadata(
        &self,
        model: &str,
        kind: MethodKind,
        request: Value,
    ) -> Result<Response<Value>, Status> {
        let served = self.records.served().unwrap();
        let path = self.model(model).method_path(kind);
        let (input, output) = types(&served.catalog, &path);
        let message = DynamicMessage::deserialize(input, request).unwrap();
        let response = self.call_raw(&path, message.encode_to_vec().into()).await?;
        Ok(response.map(|bytes| to_json(output, &bytes)))
    }

    /// Calls a path with bytes.
    pub(super) async fn call_raw(&self, path: &str, message: Bytes) -> Result<Response<Bytes>, Status> {
        let mut client = tonic::client::Grpc::new(self.transport.clone());
        client.ready().await.unwrap();
        client.unary(Request::new(message), path.parse().unwrap(), RawBytes).await
    }

    /// Starts a stream of a model with a JSON request.
    pub(super) async fn stream(&self, model: &str, kind: MethodKind, request: Value) -> Result<Messages, Status> {
        let served = self.records.served().unwrap();
        let path = self.model(model).method_path(kind);
        let (input, output) = types(&served.catalog, &path);
        let message = DynamicMessage::deserialize(input, request).unwrap();
        let mut client = tonic::client::Grpc::new(self.transport.clone());
        client.ready().await.unwrap();
        let request = Request::new(message.encode_to_vec().into());
        let response = client.server_streaming(request, path.parse().unwrap(), RawBytes).await?;
        Ok(Messages { stream: response.into_inner(), output })
    }

    /// Runs a query like a SQL user.
    pub(super) async fn query(&self, sql: &str) -> Vec<PgRow> {
        let sql = Sql::new(sql);
        let mut lease = self.database.lease().await.unwrap();
        lease.run(async |conn| rows(conn, &sql, &[]).await).await.unwrap()
    }
}

/// The messages of a stream.
pub(super) struct Messages {
    stream: Streaming<Bytes>,
    output: MessageDescriptor,
}

impl Messages {
    /// The next message as JSON, or how the stream has ended.
    pub(super) async fn next(&mut self) -> Result<Value, Status> {
        let next = tokio::time::timeout(Duration::from_secs(30), self.stream.message()).await;
        let next = next.unwrap_or_else(|_| panic!("nothing comes"))?;
        Ok(to_json(self.output.clone(), &next.unwrap_or_else(|| panic!("the stream has ended without a status"))))
    }
}

async fn connect(server: &TestDatabase) -> Database {
    Database::connect(&server.url(), DATABASE_SCHEMA, &defaults::<DatabaseSettings>()).await.unwrap()
}

/// Compiles a revision of one file.
pub(crate) fn catalog(revision: i64, source: &str) -> Catalog {
    let file = SourceFile { path: "test/v1/models.proto".to_owned(), content: source.to_owned() };
    let compiled = groundplan_model::compile(Input::Files(vec![file]), &StorageNames::default());
    let compiled = compiled.unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
    groundplan_model::load(revision, compiled.catalog.descriptor_set, &compiled.storage_names).unwrap()
}

/// A file with a model `Thing` of these fields.
pub(super) fn thing(fields: &str) -> String {
    format!(
        "syntax = \"proto3\";\npackage test.v1;\nimport \"groundplan/model/v1/model.proto\";\n\
         message Thing {{\n option (groundplan.model.v1.model) = {{}};\n string id = 1;\n{fields}\n}}\n"
    )
}

/// The request and response types of a method.
fn types(catalog: &Catalog, path: &str) -> (MessageDescriptor, MessageDescriptor) {
    let (service, method) = path.trim_start_matches('/').split_once('/').unwrap();
    let service = catalog.pool.get_service_by_name(service).unwrap();
    let method = service.methods().find(|candidate| candidate.name() == method).unwrap();
    (method.input(), method.output())
}

fn to_json(descriptor: MessageDescriptor, bytes: &[u8]) -> Value {
    let message = DynamicMessage::decode(descriptor, bytes).unwrap();
    let options = SerializeOptions::new().stringify_64_bit_integers(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
}

/// Bytes both ways.
#[derive(Clone, Copy)]
struct RawBytes;

impl Codec for RawBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for RawBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
