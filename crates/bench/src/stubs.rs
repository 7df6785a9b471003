//! The generated stubs of the example's service, the same as in any client.

#[allow(missing_docs, clippy::all, unreachable_pub)]
mod v1 {
    tonic::include_proto!("example.v1");
}

pub(crate) use v1::entity_service_client::EntityServiceClient;
pub(crate) use v1::{
    CreateEntityRequest, DeleteEntityRequest, Entity, GetEntityRequest, ListEntitiesRequest, ListEntitiesResponse,
    UpdateEntityRequest, WatchEntitiesRequest, WatchEntitiesResponse,
};
