//! Maps requests to handlers.

use crate::methods::{self, Call, Matched};
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
use groundplan_model::catalog::{Catalog, Model};
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
        let route = Resolved::new(&catalog, target, request.method());
        let called = route.called(request.method());
        let outcome = self.operate(caller, &catalog, route, request).await;
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
        catalog: &Arc<Catalog>,
        Resolved { target, model, matched }: Resolved,
        request: Request<Body>,
    ) -> Result<Response<Body>, RestError> {
        match (&target, model?) {
            (Target::Commit, _) => {
                methods::handle_commit((&self.backend, &caller), catalog, request, self.max_body).await
            }
            (_, Some(model)) => {
                let call = Call { backend: &self.backend, caller, catalog, model, max_body: self.max_body };
                methods::handle(call, &target, matched, request).await
            }
            (_, None) => self.document(catalog, &request),
        }
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

/// What a request's path and HTTP method lead to: looked up once for each request.
struct Resolved {
    target: Target,
    /// The model of the path; none if the path is of the whole API.
    model: Result<Option<Arc<Model>>, Error>,
    matched: Matched,
}

impl Resolved {
    fn new(catalog: &Catalog, target: Target, method: &Method) -> Self {
        let model = target.collection().map(|(version, resource)| target::find_collection(catalog, version, resource));
        Self {
            model: model.transpose().map(Option::<&Arc<Model>>::cloned),
            matched: methods::find(&target, method),
            target,
        }
    }

    /// The gRPC method that the request counts as a call of; none for OPTIONS and for paths without methods.
    fn called(&self, method: &Method) -> Option<MatchedMethod> {
        if method == Method::OPTIONS {
            return None;
        }
        if self.target == Target::Commit {
            return Some(MatchedMethod::new("groundplan.records.v1.RecordsService", "Commit"));
        }
        let (model, kind) = (self.model.as_ref().ok()?.as_ref()?, methods::called_method(self.matched)?);
        Some(MatchedMethod::new(model.service.clone(), model.method_name(kind)))
    }
}
