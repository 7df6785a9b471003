//! Reads records in a body.

use super::{Input, Members, raw};
use crate::json_field_paths::record_path;
use crate::parameter_errors::invalid_parameter;
use crate::target;
use groundplan_budget::Budget;
use groundplan_codec::DecodeError;
use groundplan_codec::json::{self, Decoded};
use groundplan_error::Error;
use groundplan_model::catalog::{Catalog, Model};
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;

/// The key for the model of a record (`google.protobuf.Any`).
pub(crate) const TYPE: &str = "@type";

/// A record with its model.
#[derive(Debug)]
pub(crate) struct Typed<'a> {
    pub(crate) model: Arc<Model>,
    pub(crate) decoded: Decoded,
    /// The members as the client sent them.
    pub(crate) members: Members<'a>,
}

impl<'a> Input<'a> {
    /// Reads a required record of a model.
    pub(crate) fn record(&mut self, name: &str, model: &Model, budget: &Budget) -> Result<Decoded, Error> {
        let path = self.path_of(name);
        let value = self.take(name).ok_or_else(|| missing(&path))?;
        decode(model, value.get(), &path, budget)
    }

    /// Reads a required record of any model.
    pub(crate) fn typed(&mut self, catalog: &Catalog, budget: &Budget) -> Result<Typed<'a>, Error> {
        const NAME: &str = "record";
        let path = self.path_of(NAME);
        let value = self.take(NAME).ok_or_else(|| missing(&path))?;
        let mut members = raw::members(value)?.ok_or_else(|| self.wrong_type(NAME, "an object", value))?;
        let model = take_model(catalog, &mut members, &format!("{path}.{TYPE}"))?;
        let decoded = decode(&model, &without_type(&members), &path, budget)?;
        Ok(Typed { model, decoded, members })
    }

    /// Reads the required name of a model.
    pub(crate) fn model(&mut self, catalog: &Catalog) -> Result<Arc<Model>, Error> {
        const NAME: &str = "model";
        let name = self.text(NAME)?;
        find_model(catalog, &name, &self.path_of(NAME))
    }
}

/// Removes the key for the model: a full name, alone or in a type URL.
fn take_model(catalog: &Catalog, members: &mut Members<'_>, path: &str) -> Result<Arc<Model>, Error> {
    let mut named = members.0.extract_if(.., |(key, _)| key == TYPE);
    let (first, second) = (named.next(), named.next());
    drop(named);
    if second.is_some() {
        return Err(invalid_parameter(path, "duplicate", "is given more than once"));
    }
    let Some((_, value)) = first.filter(|(_, value)| !raw::is_null(value)) else {
        return find_model(catalog, "", path);
    };
    let name = raw::text(value)?
        .ok_or_else(|| invalid_parameter(path, "json_type", format!("must be a string, not {}", raw::kind(value))))?;
    find_model(catalog, name.rsplit('/').next().unwrap_or_default(), path)
}

fn find_model(catalog: &Catalog, name: &str, path: &str) -> Result<Arc<Model>, Error> {
    if name.is_empty() {
        let description = "is required: the full name of the model, such as example.v1.Entity";
        return Err(invalid_parameter(path, "required", description));
    }
    let model = target::find_model(catalog, name);
    model.cloned().map_err(|description| invalid_parameter(path, "unknown_model", description))
}

/// The JSON text of an object with these members.
fn without_type(members: &Members<'_>) -> String {
    let text = |(key, value): &(String, &RawValue)| format!("{}:{}", Value::from(key.as_str()), value.get());
    format!("{{{}}}", members.0.iter().map(text).collect::<Vec<_>>().join(","))
}

fn decode(model: &Model, text: &str, path: &str, budget: &Budget) -> Result<Decoded, Error> {
    json::decode(&model.shapes, model.shape, text.as_bytes(), budget).map_err(|error| with_path(model, error, path))
}

/// Converts a decode error to an error with the path in the body.
fn with_path(model: &Model, error: DecodeError, path: &str) -> Error {
    if error.fatal_reason.is_some() {
        return error.into();
    }
    if error.field.is_empty() {
        let description = error.message.strip_prefix("the record ").unwrap_or(&error.message);
        return invalid_parameter(path, error.rule, description);
    }
    invalid_parameter(format!("{path}.{}", record_path(model, &error.field)), error.rule, error.message)
}

fn missing(path: &str) -> Error {
    invalid_parameter(path, "required", "is required")
}
