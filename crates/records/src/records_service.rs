//! The RPCs that do not belong to a single model, one file each.

mod bounded;
mod commit;
mod export;
mod import;
mod tail_changes;
mod watch_many;

use crate::derived::{REPLAYED, REVISION};
use crate::state::Records;
use futures_util::stream::BoxStream;
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_proto::records::v1::records_service_server::{RecordsService, RecordsServiceServer};
use groundplan_proto::records::v1::{
    CommitRequest, CommitResponse, ExportRequest, ExportResponse, ImportRequest, ImportResponse, TailChangesRequest,
    TailChangesResponse, WatchManyRequest, WatchManyResponse,
};
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use bounded::bound;

type Messages<T> = BoxStream<'static, Result<T, Status>>;

pub(crate) fn server(records: Records) -> RecordsServiceServer<Records> {
    let most = records.settings().max_message_bytes;
    RecordsServiceServer::new(records).max_decoding_message_size(most).accept_compressed(CompressionEncoding::Gzip)
}

#[tonic::async_trait]
impl RecordsService for Records {
    type WatchManyStream = Messages<WatchManyResponse>;
    type TailChangesStream = Messages<TailChangesResponse>;
    type ExportStream = Messages<ExportResponse>;

    async fn watch_many(&self, request: Request<WatchManyRequest>) -> Result<Response<Self::WatchManyStream>, Status> {
        let (caller, request) = taken(request).map_err(|error| error.to_status())?;
        // The revision at the start of the stream, which continues with each newer one.
        let revision = self.served().map_err(|error| error.to_status())?.revision();
        let mut response = reply(watch_many::run(self, &caller.principal, request).await)?;
        response.metadata_mut().insert(REVISION, revision.into());
        Ok(response)
    }

    async fn commit(&self, request: Request<CommitRequest>) -> Result<Response<CommitResponse>, Status> {
        let (caller, request) = taken(request).map_err(|error| error.to_status())?;
        let revision = self.served().map_err(|error| error.to_status())?.revision();
        let (response, is_repeat) = commit::run(self, &caller, request).await.map_err(|error| error.to_status())?;
        let mut response = Response::new(response);
        response.metadata_mut().insert(REVISION, revision.into());
        if is_repeat {
            response.metadata_mut().insert(REPLAYED, MetadataValue::from_static("true"));
        }
        Ok(response)
    }

    async fn tail_changes(
        &self,
        request: Request<TailChangesRequest>,
    ) -> Result<Response<Self::TailChangesStream>, Status> {
        let (_, request) = taken(request).map_err(|error| error.to_status())?;
        reply(Ok(tail_changes::run(self, request)))
    }

    async fn import(&self, request: Request<Streaming<ImportRequest>>) -> Result<Response<ImportResponse>, Status> {
        let (caller, messages) = taken(request).map_err(|error| error.to_status())?;
        import::run(self, caller.principal, messages).await.map(Response::new).map_err(Status::from)
    }

    async fn export(&self, request: Request<ExportRequest>) -> Result<Response<Self::ExportStream>, Status> {
        let (caller, request) = taken(request).map_err(|error| error.to_status())?;
        reply(export::run(self, caller.principal, request).await)
    }
}

/// Returns the caller and the message. The root principal is the only one.
fn taken<T>(request: Request<T>) -> Result<(Caller, T), Error> {
    let (_, mut extensions, message) = request.into_parts();
    Ok((Caller::take(&mut extensions)?, message))
}

fn reply<T>(result: Result<T, Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| error.to_status())
}
