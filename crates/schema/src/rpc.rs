//! The gRPC methods, one file each.

mod apply;
mod get_revision;
mod list_revisions;
mod plan;
mod report_progress;
mod tail_revisions;

use crate::error::{authenticated, status};
use crate::input::MAX_REQUEST;
use crate::service::Schema;
use futures_util::stream::BoxStream;
use groundplan_error::Error;
use groundplan_proto::schema::v1::distribution_service_server::{DistributionService, DistributionServiceServer};
use groundplan_proto::schema::v1::schema_service_server::{SchemaService, SchemaServiceServer};
use groundplan_proto::schema::v1::{
    ApplyRequest, ApplyResponse, GetRevisionRequest, ListRevisionsRequest, ListRevisionsResponse, PlanRequest,
    PlanResponse, ReportProgressRequest, ReportProgressResponse, Revision, TailRevisionsRequest, TailRevisionsResponse,
};
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};

type Reply<T> = Result<Response<T>, Status>;
type Messages<T> = BoxStream<'static, Result<T, Status>>;

pub(crate) fn schema_server(schema: Schema) -> SchemaServiceServer<Schema> {
    SchemaServiceServer::new(schema).max_decoding_message_size(MAX_REQUEST).accept_compressed(CompressionEncoding::Gzip)
}

pub(crate) fn distribution_server(schema: Schema) -> DistributionServiceServer<Schema> {
    DistributionServiceServer::new(schema).accept_compressed(CompressionEncoding::Gzip)
}

#[tonic::async_trait]
impl SchemaService for Schema {
    type ApplyStream = Messages<ApplyResponse>;

    async fn plan(&self, request: Request<PlanRequest>) -> Reply<PlanResponse> {
        reply(plan::plan(self, message_of_principal(request)?).await)
    }

    async fn apply(&self, request: Request<ApplyRequest>) -> Reply<Self::ApplyStream> {
        apply::apply(self, message_of_principal(request)?).await.map(Response::new)
    }

    async fn list_revisions(&self, request: Request<ListRevisionsRequest>) -> Reply<ListRevisionsResponse> {
        reply(list_revisions::list_revisions(self, message_of_principal(request)?).await)
    }

    async fn get_revision(&self, request: Request<GetRevisionRequest>) -> Reply<Revision> {
        reply(get_revision::get_revision(self, message_of_principal(request)?).await)
    }
}

#[tonic::async_trait]
impl DistributionService for Schema {
    type TailRevisionsStream = Messages<TailRevisionsResponse>;

    async fn tail_revisions(&self, request: Request<TailRevisionsRequest>) -> Reply<Self::TailRevisionsStream> {
        Ok(Response::new(tail_revisions::tail_revisions(self, message_of_principal(request)?)))
    }

    async fn report_progress(&self, request: Request<ReportProgressRequest>) -> Reply<ReportProgressResponse> {
        reply(report_progress::report_progress(self, message_of_principal(request)?).await)
    }
}

/// Returns the message of an authenticated request.
fn message_of_principal<T>(request: Request<T>) -> Result<T, Status> {
    authenticated(request).map_err(status)
}

fn reply<T>(result: Result<T, Error>) -> Reply<T> {
    result.map(Response::new).map_err(status)
}
