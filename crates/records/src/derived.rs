//! The derived gRPC methods, dispatched at run time by the fallback of the process's routes.

mod active_call;
mod codec;
pub(crate) mod event;
mod methods;
mod place;
pub(crate) mod reader;
mod request;
mod response;
pub(crate) mod streaming;
mod unknown;
mod write_records;
mod writes;

use crate::Settings;
use crate::state::Records;
use active_call::ActiveCall;
use axum::Router;
use axum::extract::Request;
use bytes::Bytes;
use codec::{RawCodec, Reply};
use groundplan_call::MatchedMethod;
use groundplan_chassis::respond::{error_response, is_grpc};
use groundplan_error::{Error, Reason};
use groundplan_identity::Caller;
use groundplan_model::catalog::MethodKind;
use http::{HeaderValue, Response};
use std::pin::Pin;
use std::sync::Arc;
use streaming::Replies;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, ServerStreamingService, UnaryService};

/// The metadata key of the record's version, in responses with one record.
const ETAG: &str = "etag";

/// The metadata key of the revision that served the call.
pub(crate) const REVISION: &str = "groundplan-revision";

/// The metadata key that marks a response as that of an earlier call with the same request id.
pub(crate) const REPLAYED: &str = "idempotency-replayed";

/// Returns the router of the fallback, which handles all requests that match no other route.
pub(crate) fn router(records: Records, settings: Settings) -> Router {
    Router::new().fallback(move |request: Request| {
        let records = records.clone();
        async move {
            if request.method() == http::Method::POST && is_grpc(request.headers()) {
                answer(&records, settings, request).await
            } else {
                error_response(&no_path(&request), false)
            }
        }
    })
}

/// Handles a gRPC call.
async fn answer(records: &Records, settings: Settings, mut request: Request) -> Response<Body> {
    let served = match records.served() {
        Ok(served) => served,
        Err(error) => return error_response(&error, true),
    };
    let caller = Caller::take(request.extensions_mut());
    let active = caller.and_then(|caller| ActiveCall::new(records, &served, caller, request.uri().path()));
    let mut response = match active {
        Ok(active) => {
            let model = &active.table.model;
            let called = MatchedMethod::new(model.service.clone(), model.method_name(active.kind));
            let mut response = run(active, settings, request).await;
            response.extensions_mut().insert(called);
            response
        }
        Err(error) => error_response(&error, true),
    };
    response.headers_mut().insert(REVISION, HeaderValue::from(served.revision()));
    response
}

/// Lets tonic read the request message and write the response.
async fn run(active: ActiveCall, settings: Settings, request: Request) -> Response<Body> {
    let active = Arc::new(active);
    let mut grpc = Grpc::new(RawCodec)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(settings.max_message_bytes);
    let response = match active.kind {
        MethodKind::Watch => grpc.server_streaming(Streaming(active.clone()), request).await,
        _ => grpc.unary(Unary(active.clone()), request).await,
    };
    match active.failure.get() {
        Some(error) => error_response(error, true),
        None => response,
    }
}

/// The tonic service of a call with one response.
struct Unary(Arc<ActiveCall>);

impl UnaryService<Bytes> for Unary {
    type Response = Reply;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Reply>, tonic::Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let active = self.0.clone();
        Box::pin(async move { methods::unary(&active, request.get_ref()).await.map_err(|error| active.fail(error)) })
    }
}

/// The tonic service of a call with a stream of responses.
struct Streaming(Arc<ActiveCall>);

impl ServerStreamingService<Bytes> for Streaming {
    type Response = Reply;
    type ResponseStream = Replies;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Replies>, tonic::Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let active = self.0.clone();
        Box::pin(async move {
            let replies = methods::server_streaming(&active, request.get_ref()).await;
            replies.map(tonic::Response::new).map_err(|error| active.fail(error))
        })
    }
}

/// Returns the error of a request that is neither gRPC nor on a path of REST.
fn no_path(request: &Request) -> Error {
    let words = format!(
        "{} {} does not exist; REST is below /api, and gRPC is a POST with the content type application/grpc",
        request.method(),
        request.uri().path()
    );
    Error::new(Reason::PathNotFound, words)
}
