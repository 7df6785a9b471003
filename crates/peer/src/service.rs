//! The service.
#![expect(clippy::disallowed_methods, reason = "it has nothing of Groundplan, also not its errors")]

use crate::reads;
use crate::stubs::entity_service_server::EntityService;
use crate::stubs::{
    CreateEntityRequest, Entity, GetEntityRequest, ListEntitiesRequest, ListEntitiesResponse, UpdateEntityRequest,
};
use crate::tables::Row;
use crate::writes::{Event, Write};
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::bb8::{Pool, PooledConnection};
use prost::Message as _;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};
use uuid::Uuid;

const CREATED: i32 = 1;
const UPDATED: i32 = 2;

/// The records of a page if the caller does not ask for a number, and the most.
const PAGE: i32 = 20;
const LARGEST_PAGE: i32 = 1_000;

pub(crate) struct Service {
    pub(crate) pool: Pool<AsyncPgConnection>,
    /// Whether writes append to the log.
    pub(crate) log: bool,
}

impl Service {
    async fn connection(&self) -> Result<PooledConnection<'_, AsyncPgConnection>, Status> {
        self.pool.get().await.map_err(|error| Status::unavailable(error.to_string()))
    }

    fn event(&self, kind: i32, entity: &Entity) -> Option<Event> {
        self.log.then(|| Event { kind, payload: entity.encode_to_vec() })
    }
}

#[tonic::async_trait]
impl EntityService for Service {
    async fn create_entity(&self, request: Request<CreateEntityRequest>) -> Result<Response<Entity>, Status> {
        let entity = required(request.into_inner().entity, "entity")?;
        let id = if entity.id.is_empty() { Uuid::now_v7() } else { parse(&entity.id)? };
        let now = now();
        let row = Row {
            version: now.timestamp_micros(),
            id,
            field1: name(entity.field1)?,
            field2: entity.field2,
            created_at: now,
            updated_at: now,
        };
        let mut connection = self.connection().await?;
        let (entity, version) = row.clone().into_message();
        let write = Write { row: &row, replaces: None, event: self.event(CREATED, &entity) };
        match write.run(&mut connection).await.map_err(failed)? {
            true => with_etag(entity, version),
            false => Err(Status::already_exists("an entity with this id exists")),
        }
    }

    async fn get_entity(&self, request: Request<GetEntityRequest>) -> Result<Response<Entity>, Status> {
        let id = parse(&request.get_ref().id)?;
        let mut connection = self.connection().await?;
        let row = reads::get(&mut connection, id).await.map_err(failed)?;
        drop(connection);
        let (entity, version) = row.into_message();
        with_etag(entity, version)
    }

    async fn list_entities(
        &self,
        request: Request<ListEntitiesRequest>,
    ) -> Result<Response<ListEntitiesResponse>, Status> {
        let request = request.into_inner();
        let name = request.filter.strip_prefix("field1 == \"").and_then(|rest| rest.strip_suffix('"'));
        let name = required(name, "filter: field1 == \"…\"")?;
        let after = (!request.page_token.is_empty()).then(|| parse(&request.page_token)).transpose()?;
        let size = if request.page_size == 0 { PAGE } else { request.page_size.clamp(1, LARGEST_PAGE) };
        let mut connection = self.connection().await?;
        let rows = reads::list(&mut connection, name, after, i64::from(size) + 1).await.map_err(failed)?;
        drop(connection);
        let size = usize::try_from(size).unwrap_or_default();
        let next = rows.len() > size;
        let entities: Vec<Entity> = rows.into_iter().take(size).map(|row| row.into_message().0).collect();
        let last = entities.last().filter(|_| next);
        let next_page_token = last.map(|last| last.id.clone()).unwrap_or_default();
        Ok(Response::new(ListEntitiesResponse { entities, next_page_token }))
    }

    async fn update_entity(&self, request: Request<UpdateEntityRequest>) -> Result<Response<Entity>, Status> {
        let UpdateEntityRequest { entity, etag } = request.into_inner();
        let entity = required(entity, "entity")?;
        let (id, name) = (parse(&entity.id)?, name(entity.field1)?);
        let wanted = i64::from_str_radix(etag.trim_matches('"'), 16);
        let wanted = wanted.map_err(|_| Status::invalid_argument("etag is required"))?;
        let mut connection = self.connection().await?;
        // The event has the time of creation, too, so that the row is read first.
        let before = reads::get(&mut connection, id).await.map_err(failed)?;
        if before.version != wanted {
            return Err(changed());
        }
        let after = Row { version: wanted + 1, field1: name, field2: entity.field2, updated_at: now(), ..before };
        let (entity, version) = after.clone().into_message();
        let write = Write { row: &after, replaces: Some(wanted), event: self.event(UPDATED, &entity) };
        match write.run(&mut connection).await.map_err(failed)? {
            true => with_etag(entity, version),
            false => Err(changed()),
        }
    }
}

/// The time, as exact as PostgreSQL stores it.
fn now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
}

fn required<T>(value: Option<T>, name: &str) -> Result<T, Status> {
    value.ok_or_else(|| Status::invalid_argument(format!("{name} is required")))
}

fn name(name: String) -> Result<String, Status> {
    required(Some(name).filter(|name| !name.is_empty()), "field1")
}

fn parse(id: &str) -> Result<Uuid, Status> {
    Uuid::try_parse(id).map_err(|_| Status::invalid_argument("not a UUID"))
}

fn failed(error: diesel::result::Error) -> Status {
    match error {
        diesel::result::Error::NotFound => Status::not_found("no entity has this id"),
        error => Status::internal(error.to_string()),
    }
}

fn changed() -> Status {
    Status::aborted("the entity has changed since; read it again")
}

fn with_etag(entity: Entity, version: i64) -> Result<Response<Entity>, Status> {
    let etag = MetadataValue::try_from(format!("\"{version:x}\""));
    let mut response = Response::new(entity);
    response.metadata_mut().insert("etag", etag.map_err(|error| Status::internal(error.to_string()))?);
    Ok(response)
}
