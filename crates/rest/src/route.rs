//! The path, the HTTP methods and the input of a method.

use crate::query::{Query, body_key_hint};
use crate::target::{self, Target};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use http::Method;

/// The path of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// `/api:commit`
    Commit,
    /// `/api/{version}/{resource}`
    Collection,
    /// `/api/{version}/{resource}:{method}`
    CollectionMethod(&'static str),
    /// `/api/{version}/{resource}/{id}`
    Record,
    /// `/api/{version}/{resource}/{id}:{method}`
    RecordMethod(&'static str),
    /// `/api/{version}/{resource}/{id}/{relation}`
    Relation,
}

/// How REST serves a method.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: Path,
    pub(crate) http_methods: &'static [Method],
    /// The query parameters.
    pub(crate) parameters: &'static [&'static str],
    pub(crate) body: BodyKeys,
}

/// The keys of a body. A query parameter with such a name is rejected with a hint.
#[derive(Debug)]
pub(crate) enum BodyKeys {
    /// The method has no body.
    None,
    Keys(&'static [&'static str]),
    /// The body is a record. The function returns the hint for a name.
    Record(fn(&Model, &str) -> Option<String>),
}

impl Path {
    /// Whether a request's path is one of these.
    pub(crate) fn matches(&self, target: &Target) -> bool {
        match (self, target) {
            (Self::Commit, Target::Commit)
            | (Self::Collection, Target::Collection { .. })
            | (Self::Record, Target::Record { .. })
            | (Self::Relation, Target::Relation { .. }) => true,
            (Self::CollectionMethod(name), Target::CollectionMethod { method, .. })
            | (Self::RecordMethod(name), Target::RecordMethod { method, .. }) => name == method,
            _ => false,
        }
    }

    /// The path for a model, with `{id}` and `{relation}` as placeholders.
    pub(crate) fn template(&self, model: &Model) -> String {
        let collection = target::collection_path(model);
        match self {
            Self::Commit => target::COMMIT_PATH.to_owned(),
            Self::Collection => collection,
            Self::CollectionMethod(method) => format!("{collection}:{method}"),
            Self::Record => format!("{collection}/{{id}}"),
            Self::RecordMethod(method) => format!("{collection}/{{id}}:{method}"),
            Self::Relation => format!("{collection}/{{id}}/{{relation}}"),
        }
    }

    /// The name of a custom method, after the colon.
    pub(crate) fn custom_method(&self) -> Option<&'static str> {
        match self {
            Self::CollectionMethod(method) | Self::RecordMethod(method) => Some(method),
            Self::Commit | Self::Collection | Self::Record | Self::Relation => None,
        }
    }
}

impl Route {
    /// A method without a body that only reads.
    pub(crate) const fn read(path: Path, parameters: &'static [&'static str]) -> Self {
        Self { path, http_methods: &[Method::GET, Method::HEAD], parameters, body: BodyKeys::None }
    }

    /// A method whose fields are the keys of its body.
    pub(crate) const fn post(path: Path, keys: &'static [&'static str]) -> Self {
        Self { path, http_methods: &[Method::POST], parameters: &[], body: BodyKeys::Keys(keys) }
    }

    /// Reads the query parameters.
    pub(crate) fn parse_query(&self, text: Option<&str>, model: Option<&Model>) -> Result<Query, Error> {
        Query::parse_with_body(text, self.parameters, |name| match (&self.body, model) {
            (BodyKeys::Keys(keys), _) => body_key_hint(keys, name),
            (BodyKeys::Record(hint), Some(model)) => hint(model, name),
            (BodyKeys::Record(_), None) | (BodyKeys::None, _) => None,
        })
    }
}
