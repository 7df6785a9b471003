//! Tests of path parsing.

use super::*;

fn reason(path: &str) -> (Reason, String) {
    let error = Target::parse(path).unwrap_err();
    (error.reason(), error.message().into_owned())
}

#[test]
fn paths_are_split_and_decoded() {
    assert_eq!(Target::parse("/api/openapi.json").unwrap(), Target::OpenApi);
    let (version, resource) = ("v1".to_owned(), "books".to_owned());
    assert_eq!(Target::parse("/api:commit").unwrap(), Target::Commit);
    let collection = Target::Collection { version: "v1".into(), resource: "resource".into() };
    assert_eq!(Target::parse("/api/v1/resource").unwrap(), collection);
    let record = Target::Record { version: version.clone(), resource: resource.clone(), id: "a/b ü".into() };
    assert_eq!(Target::parse("/api/v1/books/a%2Fb%20%C3%BC").unwrap(), record);
    let related = Target::Relation { version, resource, id: "1".into(), inverse: "copies".into() };
    assert_eq!(Target::parse("/api/v1/books/1/copies").unwrap(), related);
}

#[test]
fn a_method_follows_the_last_colon_of_a_collection() {
    for (path, resource, method) in [
        ("/api/v1/books:batchGet", "books", "batchGet"),
        ("/api/v1/books%3AbatchGet", "books", "batchGet"),
        ("/api/v1/a:b:c", "a:b", "c"),
        ("/api/v1/books:", "books", ""),
    ] {
        let custom =
            Target::CollectionMethod { version: "v1".into(), resource: resource.into(), method: method.into() };
        assert_eq!(Target::parse(path).unwrap(), custom, "{path}");
    }
}

#[test]
fn a_method_follows_the_last_colon_of_a_record() {
    for (path, id, method) in [
        ("/api/v1/books/a:listRevisions", "a", "listRevisions"),
        ("/api/v1/books/a%3AlistRevisions", "a", "listRevisions"),
        ("/api/v1/books/a%2Fb%20%C3%BC:c", "a/b ü", "c"),
        ("/api/v1/books/a:b:c", "a:b", "c"),
        ("/api/v1/books/a:", "a", ""),
        ("/api/v1/books/:c", "", "c"),
    ] {
        let (version, resource) = ("v1".to_owned(), "books".to_owned());
        let custom = Target::RecordMethod { version, resource, id: id.into(), method: method.into() };
        assert_eq!(Target::parse(path).unwrap(), custom, "{path}");
    }
    let (version, resource) = ("v1".to_owned(), "books".to_owned());
    let related = Target::Relation { version, resource, id: "a:b".into(), inverse: "copies:c".into() };
    assert_eq!(Target::parse("/api/v1/books/a:b/copies:c").unwrap(), related);
}

#[test]
fn invalid_paths_are_rejected_with_a_suggestion() {
    for path in ["/api", "/api/", "/api/v1", "/api/v1/books/1/2/3", "/api/v1/books/"] {
        assert_eq!(reason(path).0, Reason::PathNotFound, "{path}");
    }
    assert!(reason("/api/v1/books//").1.ends_with("end: /api/v1/books"));
    assert!(reason("/api").1.contains("/api/openapi.json"));
    for path in ["/api:comit", "/api:", "/api:commit/", "/api:commit/x", "/api:Commit"] {
        assert_eq!(reason(path).0, Reason::PathNotFound, "{path}");
        assert!(reason(path).1.ends_with("the nearest is /api:commit"), "{path}: {}", reason(path).1);
    }
}

#[test]
fn invalid_utf8_is_malformed() {
    for path in ["/api/v1/books/%ff", "/api/v1/books/1/2/3/%ff"] {
        let found = reason(path);
        // Segments after the end of a valid path are not decoded.
        assert_eq!(found.0 == Reason::MalformedRequest, path.len() < 20, "{path}");
    }
    assert!(reason("/api/v1/books/%ff").1.contains("%ff"));
}
