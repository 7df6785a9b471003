//! Records inside of a body.

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

/// Names a record's model (`google.protobuf.Any`).
pub(crate) const TYPE: &str = "@type";

/// A record that says which model it is of.
#[derive(Debug)]
pub(crate) struct Typed<'a> {
    pub(crate) model: Arc<Model>,
    pub(crate) decoded: Decoded,
    /// As it was sent.
    pub(crate) members: Members<'a>,
}

impl<'a> Input<'a> {
    /// A record of a model, which must be there.
    pub(crate) fn record(&mut self, name: &str, model: &Model, budget: &Budget) -> Result<Decoded, Error> {
        let place = self.path_of(name);
        let value = self.take(name).ok_or_else(|| missing(&place))?;
        decode(model, value.get(), &place, budget)
    }

    /// A record of any model, which must be there.
    pub(crate) fn typed(&mut self, catalog: &Catalog, budget: &Budget) -> Result<Typed<'a>, Error> {
        const NAME: &str = "record";
        let place = self.path_of(NAME);
        let value = self.take(NAME).ok_or_else(|| missing(&place))?;
        let mut members = raw::members(value)?.ok_or_else(|| self.wrong(NAME, "an object", value))?;
        let model = take_model(catalog, &mut members, &format!("{place}.{TYPE}"))?;
        let decoded = decode(&model, &without_type(&members), &place, budget)?;
        Ok(Typed { model, decoded, members })
    }

    /// The model that a key names, which must be there.
    pub(crate) fn model(&mut self, catalog: &Catalog) -> Result<Arc<Model>, Error> {
        const NAME: &str = "model";
        let name = self.text(NAME)?;
        find(catalog, &name, &self.path_of(NAME))
    }
}

/// Takes out what names the model: its full name, alone or behind a URL.
fn take_model(catalog: &Catalog, members: &mut Members<'_>, place: &str) -> Result<Arc<Model>, Error> {
    let mut named = members.0.extract_if(.., |(key, _)| key == TYPE);
    let (first, second) = (named.next(), named.next());
    drop(named);
    if second.is_some() {
        return Err(invalid_parameter(place, "duplicate", "is given more than once"));
    }
    let Some((_, value)) = first.filter(|(_, value)| !raw::is_null(value)) else {
        return find(catalog, "", place);
    };
    let name = raw::text(value)?
        .ok_or_else(|| invalid_parameter(place, "json_type", format!("must be a string, not {}", raw::kind(value))))?;
    find(catalog, name.rsplit('/').next().unwrap_or_default(), place)
}

fn find(catalog: &Catalog, name: &str, place: &str) -> Result<Arc<Model>, Error> {
    if name.is_empty() {
        let description = "is required: the full name of the model, such as example.v1.Entity";
        return Err(invalid_parameter(place, "required", description));
    }
    let found = target::find_model(catalog, name);
    found.cloned().map_err(|description| invalid_parameter(place, "unknown_model", description))
}

/// The text of the object that the other members are.
fn without_type(members: &Members<'_>) -> String {
    let text = |(key, value): &(String, &RawValue)| format!("{}:{}", Value::from(key.as_str()), value.get());
    format!("{{{}}}", members.0.iter().map(text).collect::<Vec<_>>().join(","))
}

fn decode(model: &Model, text: &str, place: &str, budget: &Budget) -> Result<Decoded, Error> {
    json::decode(&model.shapes, model.shape, text.as_bytes(), budget).map_err(|error| placed(model, error, place))
}

/// A refusal of a record's field, or of the record, by its place in the body.
fn placed(model: &Model, error: DecodeError, place: &str) -> Error {
    if error.fatal_reason.is_some() {
        return error.into();
    }
    if error.field.is_empty() {
        let description = error.message.strip_prefix("the record ").unwrap_or(&error.message);
        return invalid_parameter(place, error.rule, description);
    }
    invalid_parameter(format!("{place}.{}", record_path(model, &error.field)), error.rule, error.message)
}

fn missing(place: &str) -> Error {
    invalid_parameter(place, "required", "is required")
}
