//! A reference that a delete has to examine.

use groundplan_model::catalog::{Model, Referrer};
use std::sync::Arc;

/// Records of `model` that refer to records of `target`.
#[derive(Clone, Copy)]
pub(crate) struct Referring<'a> {
    pub(crate) target: &'a Model,
    pub(crate) model: &'a Arc<Model>,
    pub(crate) referrer: &'a Referrer,
}
