//! Errors for paths without a method.

use super::{COMMIT_PATH, SEGMENT, collection_path, nearest, not_found};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use percent_encoding::utf8_percent_encode;

/// The error for an unknown method of a collection. It names the nearest known one.
pub(crate) fn no_method(model: &Model, method: &str, methods: impl Iterator<Item = &'static str>) -> Error {
    let requested = format!("{}:{}", collection_path(model), utf8_percent_encode(method, SEGMENT));
    let nearest = nearest(method, methods.map(str::to_owned)).unwrap_or_default();
    let nearest = format!("{}:{nearest}", collection_path(model));
    not_found(format!("there is no method {requested}; the nearest is {nearest}")).with("nearest", nearest)
}

/// The error for an unknown method of a record. It names the nearest known one, if there is any.
pub(crate) fn no_record_method(model: &Model, method: &str, methods: impl Iterator<Item = &'static str>) -> Error {
    let requested = format!("{}/{{id}}:{}", collection_path(model), utf8_percent_encode(method, SEGMENT));
    match nearest(method, methods.map(str::to_owned)) {
        Some(nearest) => {
            let nearest = format!("{}/{{id}}:{nearest}", collection_path(model));
            not_found(format!("there is no method {requested}; the nearest is {nearest}")).with("nearest", nearest)
        }
        None => not_found(format!(
            "there is no method {requested}: records of {} have none, and ids have no colon",
            model.full_name
        )),
    }
}

/// The error for revisions of a model without a history.
pub(crate) fn no_history(model: &Model, path: &str) -> Error {
    not_found(format!(
        "there is nothing at {path}, since {} keeps no history; give the model the option history",
        model.full_name
    ))
}

/// The error for an undelete of a model without soft deletes.
pub(crate) fn no_undelete(model: &Model, path: &str) -> Error {
    not_found(format!(
        "there is nothing at {path}, since {} keeps no deleted records; give the model the option soft_delete",
        model.full_name
    ))
}

/// The error for an unknown method of the whole API.
pub(super) fn no_method_of_all(method: &str) -> Error {
    let requested = format!("/api:{}", utf8_percent_encode(method, SEGMENT));
    not_found(format!("there is no method {requested}; the nearest is {COMMIT_PATH}")).with("nearest", COMMIT_PATH)
}
