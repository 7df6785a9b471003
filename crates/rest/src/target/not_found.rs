//! Refusals of methods that a path does not have.

use super::{SEGMENT, nearest, not_found, path_of};
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use percent_encoding::utf8_percent_encode;

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

/// Refuses to bring records back of a model that keeps no deleted ones.
pub(crate) fn no_undelete(model: &Model) -> Error {
    not_found(format!(
        "there is nothing at {}/{{id}}:undelete, since {} keeps no deleted records; give the model the option soft_delete",
        path_of(model),
        model.full_name
    ))
}

/// Refuses a method that the API as a whole does not have.
pub(super) fn no_method_of_all(method: &str) -> Error {
    let asked = format!("/api:{}", utf8_percent_encode(method, SEGMENT));
    not_found(format!("there is no method {asked}; the nearest is /api:commit")).with("nearest", "/api:commit")
}
