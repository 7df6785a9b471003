//! Parses the paths under `/api`.

mod not_found;

use groundplan_codec::shorten_name;
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Model, Referrer};
pub(crate) use not_found::{no_history, no_method, no_record_method, no_undelete};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use std::sync::Arc;

/// All characters except RFC 3986's unreserved ones.
pub(crate) const SEGMENT: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of the method that writes records of any models.
pub(crate) const COMMIT_PATH: &str = "/api:commit";

/// A parsed path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/api/openapi.json`
    OpenApi,
    /// `/api:commit`
    Commit,
    /// `/api/{version}/{resource}`
    Collection { version: String, resource: String },
    /// `/api/{version}/{resource}:{method}`
    CollectionMethod { version: String, resource: String, method: String },
    /// `/api/{version}/{resource}/{id}`
    Record { version: String, resource: String, id: String },
    /// `/api/{version}/{resource}/{id}:{method}`
    RecordMethod { version: String, resource: String, id: String, method: String },
    /// `/api/{version}/{resource}/{id}/{inverse}`
    Relation { version: String, resource: String, id: String, inverse: String },
}

impl Target {
    /// Parses a path that starts with `/api`.
    pub(crate) fn parse(path: &str) -> Result<Self, Error> {
        let below = path.strip_prefix("/api").unwrap_or(path);
        if let Some(method) = below.strip_prefix(':') {
            let method = decode(method)?;
            return if COMMIT_PATH.strip_prefix("/api:") == Some(&method) {
                Ok(Self::Commit)
            } else {
                Err(not_found::no_method_of_all(&method))
            };
        }
        let below = below.trim_start_matches('/');
        if below.is_empty() {
            return Err(not_found(
                "collections are at /api/{version}/{resource}; /api/openapi.json describes all of them",
            ));
        }
        if let Some(shorter) = path.strip_suffix('/') {
            let shorter = shorter.trim_end_matches('/');
            return Err(not_found(format!("there is nothing at {path}; leave out the slash at the end: {shorter}")));
        }
        let mut segments = below.split('/').map(decode);
        let mut next = || segments.next().transpose();
        match (next()?, next()?, next()?, next()?, next()?) {
            (Some(file), None, ..) if file == "openapi.json" => Ok(Self::OpenApi),
            (Some(version), Some(resource), None, ..) => Ok(Self::of_collection(version, resource)),
            (Some(version), Some(resource), Some(id), None, _) => Ok(Self::of_record(version, resource, id)),
            (Some(version), Some(resource), Some(id), Some(inverse), None) => {
                Ok(Self::Relation { version, resource, id, inverse })
            }
            _ => Err(not_found(format!(
                "there is nothing at {path}; paths are /api/{{version}}/{{resource}}, /api/{{version}}/{{resource}}/{{id}} and /api/{{version}}/{{resource}}/{{id}}/{{relation}}"
            ))),
        }
    }

    /// The version and the resource, if the path has them.
    pub(crate) fn collection(&self) -> Option<(&str, &str)> {
        match self {
            Self::OpenApi | Self::Commit => None,
            Self::Collection { version, resource }
            | Self::CollectionMethod { version, resource, .. }
            | Self::Record { version, resource, .. }
            | Self::RecordMethod { version, resource, .. }
            | Self::Relation { version, resource, .. } => Some((version, resource)),
        }
    }

    /// The id of the record; empty if the path has none.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Record { id, .. } | Self::RecordMethod { id, .. } | Self::Relation { id, .. } => id,
            Self::OpenApi | Self::Commit | Self::Collection { .. } | Self::CollectionMethod { .. } => "",
        }
    }

    /// The name of the inverse relation; empty if the path has none.
    pub(crate) fn inverse(&self) -> &str {
        if let Self::Relation { inverse, .. } = self { inverse } else { "" }
    }

    /// Splits off the method after the last colon. Names of resources have no colon.
    fn of_collection(version: String, resource: String) -> Self {
        match resource.rsplit_once(':') {
            None => Self::Collection { version, resource },
            Some((resource, method)) => {
                Self::CollectionMethod { version, resource: resource.to_owned(), method: method.to_owned() }
            }
        }
    }

    /// Splits off the method after the last colon. Ids have no colon.
    fn of_record(version: String, resource: String, id: String) -> Self {
        match id.rsplit_once(':') {
            None => Self::Record { version, resource, id },
            Some((id, method)) => {
                Self::RecordMethod { version, resource, id: id.to_owned(), method: method.to_owned() }
            }
        }
    }
}

/// Finds the model of a collection. The error names the nearest one.
pub(crate) fn find_collection<'a>(
    catalog: &'a Catalog,
    version: &str,
    resource: &str,
) -> Result<&'a Arc<Model>, Error> {
    catalog.collection(version, resource).ok_or_else(|| {
        let requested = path_of_resource(version, resource);
        match nearest(&requested, catalog.models.iter().map(|model| collection_path(model))) {
            Some(nearest) => not_found(format!("there is no collection {requested}; the nearest is {nearest}"))
                .with("nearest", nearest),
            None => not_found(format!(
                "there is no collection {requested}, since no models are applied; see groundplan apply --help"
            )),
        }
    })
}

/// Finds a model by its full name. The error names the nearest one.
pub(crate) fn find_model<'a>(catalog: &'a Catalog, full_name: &str) -> Result<&'a Arc<Model>, String> {
    // A name without a package is compared with names without packages.
    let comparable_name =
        |model: &Arc<Model>| if full_name.contains('.') { model.full_name.clone() } else { model.name.clone() };
    let similarity = |model: &&Arc<Model>| strsim::jaro_winkler(&comparable_name(model), &shorten_name(full_name));
    catalog.model(full_name).ok_or_else(|| {
        match catalog.models.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other))) {
            Some(nearest) => {
                format!("is {:?}, which is not a model; the nearest is {}", shorten_name(full_name), nearest.full_name)
            }
            None => "is not a model: no models are applied; see groundplan apply --help".to_owned(),
        }
    })
}

/// Finds an inverse relation, as an index of [`Model::referrers`]. The error names the nearest one.
pub(crate) fn find_inverse(model: &Model, inverse: &str) -> Result<usize, Error> {
    let is_inverse = |referrer: &Referrer| referrer.inverse.as_deref() == Some(inverse);
    model.referrers.iter().position(is_inverse).ok_or_else(|| {
        let requested = inverse_path(model, inverse);
        let inverses = model.referrers.iter().filter_map(|referrer| referrer.inverse.as_deref());
        match nearest(inverse, inverses.map(str::to_owned)) {
            Some(nearest) => {
                let nearest = inverse_path(model, &nearest);
                not_found(format!("there is nothing at {requested}; the nearest is {nearest}")).with("nearest", nearest)
            }
            None => not_found(format!("there is nothing at {requested}, since no model refers to {}", model.full_name)),
        }
    })
}

/// The candidate that is most similar to the requested name.
fn nearest(requested: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    let similarity = |candidate: &str| strsim::jaro_winkler(candidate, requested);
    candidates.max_by(|one, other| similarity(one).total_cmp(&similarity(other)))
}

/// The path of a model's collection.
pub(crate) fn collection_path(model: &Model) -> String {
    path_of_resource(&model.version, &model.resource)
}

/// The path of a record.
pub(crate) fn record_path(model: &Model, id: &str) -> String {
    format!("{}/{}", collection_path(model), utf8_percent_encode(id, SEGMENT))
}

/// The path of a custom method of a record.
pub(crate) fn record_method_path(model: &Model, id: &str, method: &str) -> String {
    format!("{}:{method}", record_path(model, id))
}

/// The path of the records that refer to a record.
pub(crate) fn inverse_path(model: &Model, inverse: &str) -> String {
    format!("{}/{{id}}/{}", collection_path(model), utf8_percent_encode(inverse, SEGMENT))
}

fn path_of_resource(version: &str, resource: &str) -> String {
    format!("/api/{}/{}", utf8_percent_encode(version, SEGMENT), utf8_percent_encode(resource, SEGMENT))
}

fn decode(segment: &str) -> Result<String, Error> {
    let text = percent_decode_str(segment).decode_utf8().map_err(|_invalid| {
        Error::new(Reason::MalformedRequest, format!("{segment:?} in the path is not UTF-8 after percent-decoding"))
    })?;
    Ok(text.into_owned())
}

fn not_found(message: impl Into<String>) -> Error {
    Error::new(Reason::PathNotFound, message)
}

#[cfg(test)]
mod tests;
