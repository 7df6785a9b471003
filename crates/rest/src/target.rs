//! What a path under `/api` means.

use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Model, Referrer};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use std::sync::Arc;

/// Everything but RFC 3986's unreserved characters.
pub(crate) const SEGMENT: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a path means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/api/openapi.json`
    OpenApi,
    /// `/api/{version}/{resource}`
    Collection { version: String, resource: String },
    /// `/api/{version}/{resource}:{method}`
    Custom { version: String, resource: String, method: String },
    /// `/api/{version}/{resource}/{id}`
    Record { version: String, resource: String, id: String },
    /// `/api/{version}/{resource}/{id}:{method}`
    RecordCustom { version: String, resource: String, id: String, method: String },
    /// `/api/{version}/{resource}/{id}/{inverse}`
    Related { version: String, resource: String, id: String, inverse: String },
}

impl Target {
    /// Reads a path that starts with `/api`.
    pub(crate) fn parse(path: &str) -> Result<Self, Error> {
        let below = path.strip_prefix("/api").unwrap_or(path).trim_start_matches('/');
        if below.is_empty() {
            return Err(not_found(
                "collections are at /api/{version}/{resource}; /api/openapi.json describes all of them",
            ));
        }
        if let Some(shorter) = path.strip_suffix('/') {
            let shorter = shorter.trim_end_matches('/');
            return Err(not_found(format!("there is nothing at {path}; leave the slash at the end off: {shorter}")));
        }
        let mut segments = below.split('/').map(decode);
        let mut next = || segments.next().transpose();
        match (next()?, next()?, next()?, next()?, next()?) {
            (Some(file), None, ..) if file == "openapi.json" => Ok(Self::OpenApi),
            (Some(version), Some(resource), None, ..) => Ok(Self::of_collection(version, resource)),
            (Some(version), Some(resource), Some(id), None, _) => Ok(Self::of_record(version, resource, id)),
            (Some(version), Some(resource), Some(id), Some(inverse), None) => {
                Ok(Self::Related { version, resource, id, inverse })
            }
            _ => Err(not_found(format!(
                "there is nothing at {path}; paths are /api/{{version}}/{{resource}}, /api/{{version}}/{{resource}}/{{id}} and /api/{{version}}/{{resource}}/{{id}}/{{relation}}"
            ))),
        }
    }

    /// No resource has a colon in its name: what is behind the last one is a method.
    fn of_collection(version: String, resource: String) -> Self {
        match resource.rsplit_once(':') {
            None => Self::Collection { version, resource },
            Some((resource, method)) => {
                Self::Custom { version, resource: resource.to_owned(), method: method.to_owned() }
            }
        }
    }

    /// No id has a colon: what is behind the last one is a method.
    fn of_record(version: String, resource: String, id: String) -> Self {
        match id.rsplit_once(':') {
            None => Self::Record { version, resource, id },
            Some((id, method)) => {
                Self::RecordCustom { version, resource, id: id.to_owned(), method: method.to_owned() }
            }
        }
    }
}

/// Finds the model of a collection, or names the nearest one.
pub(crate) fn find<'a>(catalog: &'a Catalog, version: &str, resource: &str) -> Result<&'a Arc<Model>, Error> {
    catalog.collection(version, resource).ok_or_else(|| {
        let asked = collection_path(version, resource);
        match nearest(&asked, catalog.models.iter().map(|model| path_of(model))) {
            Some(nearest) => {
                not_found(format!("there is no collection {asked}; the nearest is {nearest}")).with("nearest", nearest)
            }
            None => not_found(format!(
                "there is no collection {asked}, since no models are applied; see groundplan apply --help"
            )),
        }
    })
}

/// Finds the way back to records that refer to a record, by its place in [`Model::referrers`], or names the nearest one.
pub(crate) fn find_inverse(model: &Model, inverse: &str) -> Result<usize, Error> {
    let named = |referrer: &Referrer| referrer.inverse.as_deref() == Some(inverse);
    model.referrers.iter().position(named).ok_or_else(|| {
        let asked = inverse_path(model, inverse);
        let ways = model.referrers.iter().filter_map(|referrer| referrer.inverse.as_deref());
        match nearest(inverse, ways.map(str::to_owned)) {
            Some(nearest) => {
                let nearest = inverse_path(model, &nearest);
                not_found(format!("there is nothing at {asked}; the nearest is {nearest}")).with("nearest", nearest)
            }
            None => not_found(format!("there is nothing at {asked}, since no model refers to {}", model.full_name)),
        }
    })
}

/// Refuses a method that collections do not have, and names the nearest of those that they do.
pub(crate) fn no_method(model: &Model, method: &str, methods: &[&str]) -> Error {
    let asked = format!("{}:{}", path_of(model), utf8_percent_encode(method, SEGMENT));
    let nearest = nearest(method, methods.iter().map(|&known| known.to_owned())).unwrap_or_default();
    let nearest = format!("{}:{nearest}", path_of(model));
    not_found(format!("there is no method {asked}; the nearest is {nearest}")).with("nearest", nearest)
}

/// Refuses a method that records do not have, and names the nearest of those that they do, if there is one.
pub(crate) fn no_record_method(model: &Model, method: &str, methods: &[&str]) -> Error {
    let asked = format!("{}/{{id}}:{}", path_of(model), utf8_percent_encode(method, SEGMENT));
    match nearest(method, methods.iter().map(|&known| known.to_owned())) {
        Some(nearest) => {
            let nearest = format!("{}/{{id}}:{nearest}", path_of(model));
            not_found(format!("there is no method {asked}; the nearest is {nearest}")).with("nearest", nearest)
        }
        None => not_found(format!(
            "there is no method {asked}: records of {} have none, and ids have no colon",
            model.full_name
        )),
    }
}

/// Refuses to show the history of a model that keeps none.
pub(crate) fn no_history(model: &Model) -> Error {
    not_found(format!(
        "there is nothing at {}/{{id}}:listRevisions, since {} keeps no history; give the model the option history",
        path_of(model),
        model.full_name
    ))
}

/// The candidate that is most like what was asked for.
fn nearest(asked: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    let likeness = |candidate: &str| strsim::jaro_winkler(candidate, asked);
    candidates.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

/// The path of a model's collection.
pub(crate) fn path_of(model: &Model) -> String {
    collection_path(&model.version, &model.resource)
}

/// The path of a record.
pub(crate) fn record_path(model: &Model, id: &str) -> String {
    format!("{}/{}", path_of(model), utf8_percent_encode(id, SEGMENT))
}

/// The path of the records that refer to a record.
pub(crate) fn inverse_path(model: &Model, inverse: &str) -> String {
    format!("{}/{{id}}/{}", path_of(model), utf8_percent_encode(inverse, SEGMENT))
}

fn collection_path(version: &str, resource: &str) -> String {
    format!("/api/{}/{}", utf8_percent_encode(version, SEGMENT), utf8_percent_encode(resource, SEGMENT))
}

fn decode(segment: &str) -> Result<String, Error> {
    let text = percent_decode_str(segment).decode_utf8().map_err(|_invalid| {
        Error::new(Reason::MalformedRequest, format!("{segment:?} in the path is not UTF-8 behind its percent signs"))
    })?;
    Ok(text.into_owned())
}

fn not_found(message: impl Into<String>) -> Error {
    Error::new(Reason::PathNotFound, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(path: &str) -> (Reason, String) {
        let error = Target::parse(path).unwrap_err();
        (error.reason(), error.message().into_owned())
    }

    #[test]
    fn paths_are_split_and_decoded() {
        assert_eq!(Target::parse("/api/openapi.json").unwrap(), Target::OpenApi);
        let (version, resource) = ("v1".to_owned(), "books".to_owned());
        let collection = Target::Collection { version: "v1".into(), resource: "resource".into() };
        assert_eq!(Target::parse("/api/v1/resource").unwrap(), collection);
        let record = Target::Record { version: version.clone(), resource: resource.clone(), id: "a/b ü".into() };
        assert_eq!(Target::parse("/api/v1/books/a%2Fb%20%C3%BC").unwrap(), record);
        let related = Target::Related { version, resource, id: "1".into(), inverse: "copies".into() };
        assert_eq!(Target::parse("/api/v1/books/1/copies").unwrap(), related);
    }

    #[test]
    fn the_last_colon_of_a_collection_names_a_method() {
        for (path, resource, method) in [
            ("/api/v1/books:batchGet", "books", "batchGet"),
            ("/api/v1/books%3AbatchGet", "books", "batchGet"),
            ("/api/v1/a:b:c", "a:b", "c"),
            ("/api/v1/books:", "books", ""),
        ] {
            let custom = Target::Custom { version: "v1".into(), resource: resource.into(), method: method.into() };
            assert_eq!(Target::parse(path).unwrap(), custom, "{path}");
        }
    }

    #[test]
    fn the_last_colon_of_a_record_names_a_method() {
        for (path, id, method) in [
            ("/api/v1/books/a:listRevisions", "a", "listRevisions"),
            ("/api/v1/books/a%3AlistRevisions", "a", "listRevisions"),
            ("/api/v1/books/a%2Fb%20%C3%BC:c", "a/b ü", "c"),
            ("/api/v1/books/a:b:c", "a:b", "c"),
            ("/api/v1/books/a:", "a", ""),
            ("/api/v1/books/:c", "", "c"),
        ] {
            let (version, resource) = ("v1".to_owned(), "books".to_owned());
            let custom = Target::RecordCustom { version, resource, id: id.into(), method: method.into() };
            assert_eq!(Target::parse(path).unwrap(), custom, "{path}");
        }
        let (version, resource) = ("v1".to_owned(), "books".to_owned());
        let related = Target::Related { version, resource, id: "a:b".into(), inverse: "copies:c".into() };
        assert_eq!(Target::parse("/api/v1/books/a:b/copies:c").unwrap(), related);
    }

    #[test]
    fn other_paths_are_refused_with_a_way_out() {
        for path in ["/api", "/api/", "/api/v1", "/api/v1/books/1/2/3", "/api/v1/books/"] {
            assert_eq!(reason(path).0, Reason::PathNotFound, "{path}");
        }
        assert!(reason("/api/v1/books//").1.ends_with("off: /api/v1/books"));
        assert!(reason("/api").1.contains("/api/openapi.json"));
    }

    #[test]
    fn invalid_utf8_is_malformed() {
        for path in ["/api/v1/books/%ff", "/api/v1/books/1/2/3/%ff"] {
            let found = reason(path);
            // Behind what is not a path at all, nothing is looked at.
            assert_eq!(found.0 == Reason::MalformedRequest, path.len() < 20, "{path}");
        }
        assert!(reason("/api/v1/books/%ff").1.contains("%ff"));
    }
}
