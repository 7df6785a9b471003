//! Refusals of methods that a path does not have.

use super::{COMMIT_PATH, SEGMENT, collection_path, nearest, not_found};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use percent_encoding::utf8_percent_encode;

/// Refuses a method that collections do not have, and names the nearest of those that they do.
pub(crate) fn no_method(model: &Model, method: &str, methods: impl Iterator<Item = &'static str>) -> Error {
    let asked = format!("{}:{}", collection_path(model), utf8_percent_encode(method, SEGMENT));
    let nearest = nearest(method, methods.map(str::to_owned)).unwrap_or_default();
    let nearest = format!("{}:{nearest}", collection_path(model));
    not_found(format!("there is no method {asked}; the nearest is {nearest}")).with("nearest", nearest)
}

/// Refuses a method that records do not have, and names the nearest of those that they do, if there is one.
pub(crate) fn no_record_method(model: &Model, method: &str, methods: impl Iterator<Item = &'static str>) -> Error {
    let asked = format!("{}/{{id}}:{}", collection_path(model), utf8_percent_encode(method, SEGMENT));
    match nearest(method, methods.map(str::to_owned)) {
        Some(nearest) => {
            let nearest = format!("{}/{{id}}:{nearest}", collection_path(model));
            not_found(format!("there is no method {asked}; the nearest is {nearest}")).with("nearest", nearest)
        }
        None => not_found(format!(
            "there is no method {asked}: records of {} have none, and ids have no colon",
            model.full_name
        )),
    }
}

/// Refuses to show the history of a model that keeps none.
pub(crate) fn no_history(model: &Model, path: &str) -> Error {
    not_found(format!(
        "there is nothing at {path}, since {} keeps no history; give the model the option history",
        model.full_name
    ))
}

/// Refuses to bring records back of a model that keeps no deleted ones.
pub(crate) fn no_undelete(model: &Model, path: &str) -> Error {
    not_found(format!(
        "there is nothing at {path}, since {} keeps no deleted records; give the model the option soft_delete",
        model.full_name
    ))
}

/// Refuses a method that the API as a whole does not have.
pub(super) fn no_method_of_all(method: &str) -> Error {
    let asked = format!("/api:{}", utf8_percent_encode(method, SEGMENT));
    not_found(format!("there is no method {asked}; the nearest is {COMMIT_PATH}")).with("nearest", COMMIT_PATH)
}
