//! The table of methods: the path, the HTTP methods, the parameters or body keys, and the handler of each.

use super::{
    Call, Request, aggregate, batch_create, batch_delete, batch_get, batch_update, batch_writes, commit, create,
    delete, explain_list, get, list, list_revisions, related, undelete, update, watch,
};
use crate::rest_error::RestError;
use crate::route::{BodyKeys, Path, Route};
use crate::target::{self, Target};
use axum::body::Body;
use groundplan_error::Error;
use groundplan_model::catalog::{MethodKind, Model};
use groundplan_operations::Backend;
use http::{Method, Response};

/// The method of the whole API.
pub(crate) static COMMIT: Route = Route::post(Path::Commit, commit::KEYS);

/// The methods of each model. `ListRelated` stands for every inverse relation.
///
/// A request with an unsupported HTTP method counts as a call of the first method of its path.
pub(crate) static DERIVED: [Row; 15] = [
    (MethodKind::List, Route::read(Path::Collection, list::PARAMETERS)),
    (
        MethodKind::Create,
        Route {
            path: Path::Collection,
            http_methods: &[Method::POST],
            parameters: create::PARAMETERS,
            body: BodyKeys::Record(super::record_field_hint),
        },
    ),
    (MethodKind::BatchGet, Route::post(Path::CollectionMethod("batchGet"), batch_get::KEYS)),
    (MethodKind::BatchCreate, Route::post(Path::CollectionMethod("batchCreate"), batch_writes::KEYS)),
    (MethodKind::BatchUpdate, Route::post(Path::CollectionMethod("batchUpdate"), batch_writes::KEYS)),
    (MethodKind::BatchDelete, Route::post(Path::CollectionMethod("batchDelete"), batch_writes::KEYS)),
    (MethodKind::Aggregate, Route::post(Path::CollectionMethod("aggregate"), aggregate::KEYS)),
    (MethodKind::ExplainList, Route::read(Path::CollectionMethod("explainList"), list::PARAMETERS)),
    (
        MethodKind::Watch,
        Route {
            path: Path::CollectionMethod("watch"),
            // HEAD would start a watch without returning any of its events.
            http_methods: &[Method::GET],
            parameters: watch::PARAMETERS,
            body: BodyKeys::None,
        },
    ),
    (MethodKind::Get, Route::read(Path::Record, get::PARAMETERS)),
    (
        MethodKind::Update,
        Route {
            path: Path::Record,
            http_methods: &[Method::PATCH, Method::PUT],
            parameters: update::PARAMETERS,
            body: BodyKeys::Record(update::hint),
        },
    ),
    (
        MethodKind::Delete,
        Route {
            path: Path::Record,
            http_methods: &[Method::DELETE],
            parameters: delete::PARAMETERS,
            body: BodyKeys::None,
        },
    ),
    (MethodKind::ListRevisions, Route::read(Path::RecordMethod("listRevisions"), list_revisions::PARAMETERS)),
    (MethodKind::Undelete, Route::post(Path::RecordMethod("undelete"), undelete::KEYS)),
    (MethodKind::ListRelated(0), Route::read(Path::Relation, list::PARAMETERS)),
];

/// Calls the handler of a method.
pub(super) async fn dispatch<B: Backend>(
    kind: MethodKind,
    call: &Call<'_, B>,
    request: Request<'_>,
) -> Result<Response<Body>, RestError> {
    match kind {
        MethodKind::List => list::handle(call, request).await,
        MethodKind::Create => create::handle(call, request).await,
        MethodKind::BatchGet => batch_get::handle(call, request).await,
        MethodKind::BatchCreate => batch_create::handle(call, request).await,
        MethodKind::BatchUpdate => batch_update::handle(call, request).await,
        MethodKind::BatchDelete => batch_delete::handle(call, request).await,
        MethodKind::Aggregate => aggregate::handle(call, request).await,
        MethodKind::ExplainList => explain_list::handle(call, request).await,
        MethodKind::Watch => watch::handle(call, request).await,
        MethodKind::Get => get::handle(call, request).await,
        MethodKind::Update => update::handle(call, request).await,
        MethodKind::Delete => delete::handle(call, request).await,
        MethodKind::ListRevisions => list_revisions::handle(call, request).await,
        MethodKind::Undelete => undelete::handle(call, request).await,
        MethodKind::ListRelated(_) => related::handle(call, request).await,
    }
}

/// Whether a model has a method.
pub(crate) fn is_served(model: &Model, kind: MethodKind) -> bool {
    match kind {
        MethodKind::ListRevisions => model.history.is_some(),
        MethodKind::Undelete => model.soft_delete.is_some(),
        _ => true,
    }
}

/// A row of the table.
pub(super) type Row = (MethodKind, Route);

/// The rows of the table for a request. The table is searched once for each request.
#[derive(Clone, Copy)]
pub(crate) struct Matched {
    /// The first method of the path; none if no method has the path.
    pub(super) first: Option<&'static Row>,
    /// The method of the path with the request's HTTP method.
    pub(super) requested: Option<&'static Row>,
}

/// Finds the rows for a request.
pub(crate) fn find(target: &Target, http_method: &Method) -> Matched {
    let mut at_path = at(target).peekable();
    let first = at_path.peek().copied();
    Matched { first, requested: at_path.find(|(_, route)| route.http_methods.contains(http_method)) }
}

/// The methods at a path.
pub(super) fn at(target: &Target) -> impl Iterator<Item = &'static Row> {
    DERIVED.iter().filter(|(_, route)| route.path.matches(target))
}

/// Checks that a model has methods at a path, of which `first` is the first.
pub(super) fn check_path(model: &Model, target: &Target, first: Option<&Row>) -> Result<(), Error> {
    match (target, first) {
        (Target::CollectionMethod { method, .. }, None) => {
            let known = DERIVED.iter().filter(|(_, route)| matches!(route.path, Path::CollectionMethod(_)));
            Err(target::no_method(model, method, known.filter_map(|(_, route)| route.path.custom_method())))
        }
        (Target::RecordMethod { method, .. }, None) => {
            let known = DERIVED
                .iter()
                .filter(|(kind, route)| matches!(route.path, Path::RecordMethod(_)) && is_served(model, *kind));
            Err(target::no_record_method(model, method, known.filter_map(|(_, route)| route.path.custom_method())))
        }
        (Target::RecordMethod { .. }, Some((kind, route))) if !is_served(model, *kind) => {
            let path = route.path.template(model);
            Err(match kind {
                MethodKind::Undelete => target::no_undelete(model, &path),
                _ => target::no_history(model, &path),
            })
        }
        (Target::Relation { inverse, .. }, _) => target::find_inverse(model, inverse).map(drop),
        _ => Ok(()),
    }
}
