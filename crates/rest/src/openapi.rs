//! The OpenAPI 3.1 document of a catalog.

mod bodies;
mod commits;
mod envelopes;
mod errors;
mod example;
mod fields;
mod headers;
mod names;
mod paths;
mod queries;
mod rules;
mod schemas;

use bytes::Bytes;
use groundplan_model::catalog::{Catalog, Model};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};

/// Returns the document of the REST API. It is the same for the same catalog.
pub fn openapi(catalog: &Catalog) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Groundplan",
            "version": catalog.revision.to_string(),
            "description": INTRODUCTION,
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }],
        "tags": tags(catalog),
        "paths": paths::of(catalog),
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An API key." },
            },
            "schemas": schemas::of(catalog),
            "responses": errors::responses(),
        },
    })
}

fn tags(catalog: &Catalog) -> Vec<Value> {
    let of = |model: &Arc<Model>| json!({ "name": model.full_name, "description": model.comment });
    catalog.models.iter().map(of).chain([commits::tag()]).collect()
}

const INTRODUCTION: &str = "\
The records of every applied model, as JSON.

* Success is `{\"data\": …}`, failure `{\"error\": {\"code\", \"message\", \"details\"}}`.
* Names are lowerCamel. Responses include zeros, empty lists and empty maps, and leave out absent fields. In requests, `null` means absent.
* 64-bit integers are strings (numbers are accepted), bytes are base64, and enums are names (numbers are accepted). Unknown keys and query parameters are rejected.
* Filters are conditions in CEL, such as `size(title) > 3 && author.country == \"NO\"`; the error for an invalid filter names the position.
* `:watch` returns server-sent events until the client or the server closes the stream.
* All paths with `GET`, except `:watch`, also support `HEAD`, and all paths support `OPTIONS`. Other methods return 405 with code `UNIMPLEMENTED` and the header `Allow`.
* Writes with an `Idempotency-Key` are idempotent; a repeated request returns the response of the first one, with `idempotency-replayed: true`.
* The header `groundplan-revision` of each response is the revision of the models, which is also the version of this document.
";

/// Caches the document of the last requested revision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents(Arc<Mutex<Option<(i64, Document)>>>);

/// A document as text.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) text: Bytes,
    /// A hash of the text, the same in every process.
    pub(crate) etag: String,
}

impl Documents {
    /// The document of a catalog, as text.
    pub(crate) fn of(&self, catalog: &Catalog) -> Document {
        if let Some((revision, document)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && *revision == catalog.revision
        {
            return document.clone();
        }
        // The lock is released during the computation: concurrent calls compute it twice instead of waiting.
        let text = Bytes::from(openapi(catalog).to_string());
        let etag = Sha256::digest(&text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let document = Document { text, etag };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((catalog.revision, document.clone()));
        document
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundplan_model::{Input, SourceFile, StorageNames, compile};

    const MODEL: &str = r#"
        syntax = "proto3";
        package example.v1;
        import "groundplan/model/v1/model.proto";
        message Entity {
          option (groundplan.model.v1.model) = {};
          string id = 1;
        }
    "#;

    #[test]
    fn each_revision_has_its_own_document() {
        let file = SourceFile { path: "example/v1/entity.proto".into(), content: MODEL.into() };
        let mut catalog = compile(Input::Files(vec![file]), &StorageNames::default()).unwrap().catalog;
        let documents = Documents::default();
        let mut seen = std::collections::HashSet::new();
        for revision in [1, 2] {
            catalog.revision = revision;
            let document: Value = serde_json::from_slice(&documents.of(&catalog).text).unwrap();
            assert_eq!(document["info"]["version"], revision.to_string());
            assert_eq!(documents.of(&catalog).text.as_ptr(), documents.of(&catalog).text.as_ptr());
            assert!(seen.insert(documents.of(&catalog).etag));
        }
    }
}
