//! Calls `perf.v1.EntityService`, the service in the reference peer's proto.

use super::rows::PAGE;
use crate::client::{Connection, Suite};
use crate::output::Failure;
use crate::stubs;
use prost::Message;
use tonic::Request;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

/// The tenant of all rows.
const TENANT: &str = "default";

#[derive(Clone, PartialEq, Message)]
struct Entity {
    #[prost(string, tag = "1")]
    tenant: String,
    #[prost(string, tag = "2")]
    id: String,
    #[prost(string, tag = "3")]
    field1: String,
    #[prost(double, tag = "4")]
    field2: f64,
    #[prost(int64, tag = "8")]
    version: i64,
}

/// `CreateEntityRequest` and `UpdateEntityRequest`, which have the same form.
#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, optional, tag = "1")]
    entity: Option<Entity>,
}

#[derive(Clone, PartialEq, Message)]
struct GetEntityRequest {
    #[prost(string, tag = "1")]
    tenant: String,
    #[prost(string, tag = "2")]
    id: String,
}

#[derive(Clone, PartialEq, Message)]
struct ListEntitiesRequest {
    #[prost(string, tag = "1")]
    tenant: String,
    #[prost(string, tag = "2")]
    field1: String,
    #[prost(int32, tag = "3")]
    page_size: i32,
}

#[derive(Clone, PartialEq, Message)]
struct ListEntitiesResponse {
    #[prost(message, repeated, tag = "1")]
    entities: Vec<Entity>,
}

#[derive(Clone)]
pub(super) struct Caller(tonic::client::Grpc<Connection>);

impl Caller {
    pub(super) fn new(suite: &Suite) -> Result<Self, Failure> {
        Ok(Self(tonic::client::Grpc::new(suite.connection()?)))
    }

    async fn call<M, R>(&mut self, path: &'static str, message: M) -> Result<R, Failure>
    where
        M: Message + Default + 'static,
        R: Message + Default + 'static,
    {
        self.0.ready().await?;
        let path = PathAndQuery::from_static(path);
        Ok(self.0.unary(Request::new(message), path, ProstCodec::default()).await?.into_inner())
    }

    /// Returns the version of a record, which this peer uses as the etag.
    pub(super) async fn get(&mut self, id: &str) -> Result<String, Failure> {
        let request = GetEntityRequest { tenant: TENANT.to_owned(), id: id.to_owned() };
        let entity: Entity = self.call("/perf.v1.EntityService/GetEntity", request).await?;
        Ok(entity.version.to_string())
    }

    pub(super) async fn list(&mut self, name: &str) -> Result<usize, Failure> {
        let page_size = i32::try_from(PAGE)?;
        let request = ListEntitiesRequest { tenant: TENANT.to_owned(), field1: name.to_owned(), page_size };
        let page: ListEntitiesResponse = self.call("/perf.v1.EntityService/ListEntities", request).await?;
        Ok(page.entities.len())
    }

    pub(super) async fn create(&mut self, record: stubs::Entity) -> Result<(), Failure> {
        self.write("/perf.v1.EntityService/CreateEntity", record, 0).await.map(drop)
    }

    pub(super) async fn update(&mut self, record: stubs::Entity, before: &str) -> Result<String, Failure> {
        self.write("/perf.v1.EntityService/UpdateEntity", record, before.parse()?).await
    }

    async fn write(&mut self, path: &'static str, record: stubs::Entity, version: i64) -> Result<String, Failure> {
        let stubs::Entity { id, field1, field2, .. } = record;
        let entity = Entity { tenant: TENANT.to_owned(), id, field1, field2, version };
        let written: Entity = self.call(path, WriteRequest { entity: Some(entity) }).await?;
        Ok(written.version.to_string())
    }
}
