//! The calls, one file each.

mod apply;
mod follow_revisions;
mod get_revision;
mod list_revisions;
mod plan;
mod report_progress;

use crate::error::{authenticated, status};
use crate::input::MAX_REQUEST;
use crate::service::Schema;
use futures_util::Stream;
use groundplan_error::Error;
use groundplan_proto::schema::v1::distribution_service_server::{DistributionService, DistributionServiceServer};
use groundplan_proto::schema::v1::schema_service_server::{SchemaService, SchemaServiceServer};
use groundplan_proto::schema::v1::{
    ApplyRequest, ApplyResponse, FollowRevisionsRequest, FollowRevisionsResponse, GetRevisionRequest,
    ListRevisionsRequest, ListRevisionsResponse, PlanRequest, PlanResponse, ReportProgressRequest,
    ReportProgressResponse, Revision,
};
use std::pin::Pin;
use tonic::{Request, Response, Status};

type Reply<T> = Result<Response<T>, Status>;
type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

pub(crate) fn schema_server(schema: Schema) -> SchemaServiceServer<Schema> {
    SchemaServiceServer::new(schema).max_decoding_message_size(MAX_REQUEST)
}

pub(crate) fn distribution_server(schema: Schema) -> DistributionServiceServer<Schema> {
    DistributionServiceServer::new(schema)
}

#[tonic::async_trait]
impl SchemaService for Schema {
    type ApplyStream = Messages<ApplyResponse>;

    async fn plan(&self, request: Request<PlanRequest>) -> Reply<PlanResponse> {
        reply(plan::run(self, checked(request)?).await)
    }

    async fn apply(&self, request: Request<ApplyRequest>) -> Reply<Self::ApplyStream> {
        apply::run(self, checked(request)?).await.map(Response::new)
    }

    async fn list_revisions(&self, request: Request<ListRevisionsRequest>) -> Reply<ListRevisionsResponse> {
        reply(list_revisions::run(self, checked(request)?).await)
    }

    async fn get_revision(&self, request: Request<GetRevisionRequest>) -> Reply<Revision> {
        reply(get_revision::run(self, checked(request)?).await)
    }
}

#[tonic::async_trait]
impl DistributionService for Schema {
    type FollowRevisionsStream = Messages<FollowRevisionsResponse>;

    async fn follow_revisions(&self, request: Request<FollowRevisionsRequest>) -> Reply<Self::FollowRevisionsStream> {
        reply(follow_revisions::run(self, checked(request)?))
    }

    async fn report_progress(&self, request: Request<ReportProgressRequest>) -> Reply<ReportProgressResponse> {
        reply(report_progress::run(self, checked(request)?).await)
    }
}

/// The message of a request that comes from a principal.
fn checked<T>(request: Request<T>) -> Result<T, Status> {
    authenticated(request).map_err(status)
}

fn reply<T>(result: Result<T, Error>) -> Reply<T> {
    result.map(Response::new).map_err(status)
}
