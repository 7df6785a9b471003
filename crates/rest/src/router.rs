//! Maps requests to handlers.

use crate::methods::{self, Call};
use crate::openapi::Documents;
use crate::rest_error::RestError;
use crate::target::{self, Target};
use crate::{etag, response};
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::routing::any;
use groundplan_call::MatchedMethod;
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_model::catalog::Catalog;
use groundplan_operations::Backend;
use http::header::{CONTENT_LENGTH, ETAG, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use std::sync::Arc;

/// The header with the revision that served the request.
const REVISION: HeaderName = HeaderName::from_static("groundplan-revision");

/// Returns the router for `/api`. It has no fallback, but every path under `/api` gets a response with an envelope.
///
/// Bodies longer than `max_body` bytes are rejected. The [`Caller`] is an extension of the request; without one, the response is 401.
pub fn router<B: Backend>(backend: B, max_body: usize) -> Router {
    let state = Rest { backend, max_body, documents: Documents::default() };
    // `Target` splits the paths, because axum's extractors reject invalid paths with plain text.
    Router::new()
        .route("/api", any(serve::<B>))
        .route("/api/", any(serve::<B>))
        .route("/api:{method}", any(serve::<B>))
        .route("/api/{*path}", any(serve::<B>))
        .with_state(state)
}

#[derive(Clone)]
struct Rest<B> {
    backend: B,
    max_body: usize,
    documents: Documents,
}

async fn serve<B: Backend>(State(rest): State<Rest<B>>, request: Request<Body>) -> Response<Body> {
    let is_head = request.method() == Method::HEAD;
    let mut response = rest.respond(request).await.unwrap_or_else(RestError::into_response);
    if is_head {
        if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        *response.body_mut() = Body::empty();
    }
    response
}

impl<B: Backend> Rest<B> {
    async fn respond(&self, mut request: Request<Body>) -> Result<Response<Body>, RestError> {
        let caller = Caller::take(request.extensions_mut())?;
        let catalog = self.backend.catalog()?;
        let revision = HeaderValue::from(catalog.revision);
        let target = Target::parse(request.uri().path())?;
        let called = called(&catalog, &target, request.method());
        let outcome = self.operate(caller, (catalog, target), request).await;
        let mut response = outcome.unwrap_or_else(RestError::into_response);
        if let Some(called) = called {
            response.extensions_mut().insert(called);
        }
        response.headers_mut().insert(REVISION, revision);
        Ok(response)
    }

    async fn operate(
        &self,
        caller: Caller,
        (catalog, target): (Arc<Catalog>, Target),
        request: Request<Body>,
    ) -> Result<Response<Body>, RestError> {
        let (version, resource) = match target {
            Target::OpenApi => return self.document(&catalog, &request),
            Target::Commit => {
                return methods::handle_commit((&self.backend, &caller), &catalog, request, self.max_body).await;
            }
            _ => target.collection().unwrap_or_default(),
        };
        let model = Arc::clone(target::find_collection(&catalog, version, resource)?);
        let call = Call { backend: &self.backend, caller, catalog: &catalog, model, max_body: self.max_body };
        methods::handle(call, &target, request).await
    }

    fn document(&self, catalog: &Catalog, request: &Request<Body>) -> Result<Response<Body>, RestError> {
        const ALLOWED: &str = "GET, HEAD, OPTIONS";
        crate::query::Query::parse(request.uri().query(), &[])?;
        match *request.method() {
            Method::GET | Method::HEAD => {
                let known = etag::if_none_match(request.headers())?;
                let document = self.documents.of(catalog);
                let is_known = known.is_some_and(|tags| tags.contain(&document.etag));
                let mut response = match is_known {
                    true => response::empty(StatusCode::NOT_MODIFIED),
                    false => response::json_body(StatusCode::OK, document.text),
                };
                // Weak, because a gateway might compress the document.
                let etag = HeaderValue::try_from(format!("W/\"{}\"", document.etag)).map_err(Error::internal)?;
                response.headers_mut().insert(ETAG, etag);
                Ok(response)
            }
            Method::OPTIONS => Ok(response::options(ALLOWED)?),
            _ => Err(RestError::method(request.method(), request.uri().path(), ALLOWED)),
        }
    }
}

/// The gRPC method that a request counts as a call of; none for OPTIONS and for paths without methods.
fn called(catalog: &Catalog, target: &Target, method: &Method) -> Option<MatchedMethod> {
    if method == Method::OPTIONS {
        return None;
    }
    if *target == Target::Commit {
        return Some(MatchedMethod::new("groundplan.records.v1.RecordsService", "Commit"));
    }
    let (version, resource) = target.collection()?;
    let (model, kind) = (catalog.collection(version, resource)?, methods::called_method(target, method)?);
    Some(MatchedMethod::new(model.service.clone(), model.method_name(kind)))
}
