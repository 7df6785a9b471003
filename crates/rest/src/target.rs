//! What a path under `/api` means.

use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Model};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::sync::Arc;

/// Everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a path means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/api/openapi.json`
    OpenApi,
    /// `/api/{version}/{resource}`
    Collection { version: String, resource: String },
    /// `/api/{version}/{resource}/{id}`
    Record { version: String, resource: String, id: String },
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
        let segments = below.split('/').map(decode).collect::<Result<Vec<_>, _>>()?;
        match <[String; 3]>::try_from(segments) {
            Ok([version, resource, id]) => Ok(Self::Record { version, resource, id }),
            Err(segments) => match <[String; 2]>::try_from(segments) {
                Ok([version, resource]) => Ok(Self::Collection { version, resource }),
                Err(segments) if segments == ["openapi.json"] => Ok(Self::OpenApi),
                Err(_) => Err(not_found(format!(
                    "there is nothing at {path}; paths are /api/{{version}}/{{resource}} and /api/{{version}}/{{resource}}/{{id}}"
                ))),
            },
        }
    }
}

/// Finds the model of a collection, or names the nearest one.
pub(crate) fn find<'a>(catalog: &'a Catalog, version: &str, resource: &str) -> Result<&'a Arc<Model>, Error> {
    catalog.collection(version, resource).ok_or_else(|| {
        let asked = collection_path(version, resource);
        let nearest = catalog
            .models
            .iter()
            .map(|model| path_of(model))
            .max_by(|one, other| strsim::jaro_winkler(one, &asked).total_cmp(&strsim::jaro_winkler(other, &asked)));
        match nearest {
            Some(nearest) => {
                not_found(format!("there is no collection {asked}; the nearest is {nearest}")).with("nearest", nearest)
            }
            None => not_found(format!(
                "there is no collection {asked}, since no models are applied; see groundplan apply --help"
            )),
        }
    })
}

/// The path of a model's collection.
pub(crate) fn path_of(model: &Model) -> String {
    collection_path(&model.version, &model.resource)
}

/// The path of a record.
pub(crate) fn record_path(model: &Model, id: &str) -> String {
    format!("{}/{}", path_of(model), utf8_percent_encode(id, SEGMENT))
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
        let collection = Target::Collection { version: "v1".into(), resource: "resource".into() };
        assert_eq!(Target::parse("/api/v1/resource").unwrap(), collection);
        let record = Target::Record { version: "v1".into(), resource: "books".into(), id: "a/b ü".into() };
        assert_eq!(Target::parse("/api/v1/books/a%2Fb%20%C3%BC").unwrap(), record);
    }

    #[test]
    fn other_paths_are_refused_with_a_way_out() {
        for path in ["/api", "/api/", "/api/v1", "/api/v1/books/1/2", "/api/v1/books/"] {
            assert_eq!(reason(path).0, Reason::PathNotFound, "{path}");
        }
        assert!(reason("/api/v1/books//").1.ends_with("off: /api/v1/books"));
        assert!(reason("/api").1.contains("/api/openapi.json"));
    }

    #[test]
    fn invalid_utf8_is_malformed() {
        let (reason, message) = reason("/api/v1/books/%ff");
        assert_eq!(reason, Reason::MalformedRequest);
        assert!(message.contains("%ff"), "{message}");
    }
}
