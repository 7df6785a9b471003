//! Calls the derived gRPC service of a model that has the fields of `example.v1.Entity`.

use super::rows::PAGE;
use crate::client::{Connection, Suite};
use crate::output::Failure;
use crate::stubs::{
    CreateEntityRequest, Entity, GetEntityRequest, ListEntitiesRequest, ListEntitiesResponse, UpdateEntityRequest,
};
use prost::Message;
use prost_types::FieldMask;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Response};
use tonic_prost::ProstCodec;

#[derive(Clone)]
pub(super) struct Caller {
    client: tonic::client::Grpc<Connection>,
    get: PathAndQuery,
    list: PathAndQuery,
    create: PathAndQuery,
    update: PathAndQuery,
}

impl Caller {
    pub(super) fn new(suite: &Suite, model: &str) -> Result<Self, Failure> {
        let name = model.rsplit('.').next().unwrap_or(model);
        let plural = name.strip_suffix('y').map_or_else(|| format!("{name}s"), |stem| format!("{stem}ies"));
        let path = |method: String| PathAndQuery::try_from(format!("/{model}Service/{method}"));
        Ok(Self {
            client: tonic::client::Grpc::new(suite.connection()?),
            get: path(format!("Get{name}"))?,
            list: path(format!("List{plural}"))?,
            create: path(format!("Create{name}"))?,
            update: path(format!("Update{name}"))?,
        })
    }

    async fn call<M, R>(&mut self, path: PathAndQuery, message: M) -> Result<Response<R>, Failure>
    where
        M: Message + Default + 'static,
        R: Message + Default + 'static,
    {
        self.client.ready().await?;
        Ok(self.client.unary(Request::new(message), path, ProstCodec::default()).await?)
    }

    pub(super) async fn get(&mut self, id: &str) -> Result<String, Failure> {
        let request = GetEntityRequest { id: id.to_owned(), ..GetEntityRequest::default() };
        etag(&self.call(self.get.clone(), request).await?)
    }

    pub(super) async fn list(&mut self, name: &str) -> Result<usize, Failure> {
        let request = ListEntitiesRequest {
            filter: format!("field1 == \"{name}\""),
            page_size: i32::try_from(PAGE)?,
            ..ListEntitiesRequest::default()
        };
        let page: Response<ListEntitiesResponse> = self.call(self.list.clone(), request).await?;
        Ok(page.get_ref().entities.len())
    }

    pub(super) async fn create(&mut self, record: Entity) -> Result<(), Failure> {
        let request = CreateEntityRequest { entity: Some(record), ..CreateEntityRequest::default() };
        let _: Response<Entity> = self.call(self.create.clone(), request).await?;
        Ok(())
    }

    pub(super) async fn update(&mut self, record: Entity, before: &str) -> Result<String, Failure> {
        let request = UpdateEntityRequest {
            entity: Some(record),
            update_mask: Some(FieldMask { paths: vec!["field1".to_owned(), "field2".to_owned()] }),
            etag: before.to_owned(),
            ..UpdateEntityRequest::default()
        };
        etag(&self.call(self.update.clone(), request).await?)
    }
}

fn etag(response: &Response<Entity>) -> Result<String, Failure> {
    let etag = response.metadata().get("etag").and_then(|etag| etag.to_str().ok());
    etag.map(str::to_owned).ok_or_else(|| Failure::new("a response has no etag"))
}
