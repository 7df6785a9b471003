//! What an update changes: what its mask says, or the keys that its record has.

use super::{Input, Members, raw};
use crate::parameter_errors::invalid_parameter;
use groundplan_codec::json::Decoded;
use groundplan_codec::mask::UpdateMask;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::{FieldId, Kind, Shape};
use serde_json::value::RawValue;

const MASK: &str = "updateMask";

impl Input<'_> {
    /// Paths of fields: a string with commas between them, as a FieldMask is in JSON, or a list of strings.
    pub(crate) fn paths(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let is_list = self.members.iter().any(|(other, value)| *other == name && value.get().starts_with('['));
        if is_list { self.texts(name) } else { self.names(name) }
    }

    /// The mask; none if it is not there or empty.
    pub(crate) fn update_mask(&mut self, model: &Model) -> Result<Option<UpdateMask>, Error> {
        let paths = self.paths(MASK)?;
        if paths.is_empty() {
            return Ok(None);
        }
        let parsed = UpdateMask::parse(&model.shapes, model.shape, &paths);
        parsed.map(Some).map_err(|error| invalid_parameter(self.path_of(MASK), error.rule, error.message))
    }
}

/// The fields whose keys are there, null included, apart from those that say which record it is.
pub(crate) fn present(model: &Model, decoded: &Decoded) -> Vec<FieldId> {
    let names = names_of_record(model);
    decoded.present.iter().copied().filter(|field| !names.contains(field)).collect()
}

/// The fields that say which record it is, and which state of it.
pub(crate) fn names_of_record(model: &Model) -> Vec<FieldId> {
    std::iter::once(model.roles.id).chain(model.roles.etag).collect()
}

/// The same without the fields that transforms name: what is there is not their new value.
pub(crate) fn present_beside(
    model: &Model,
    decoded: &Decoded,
    members: &Members<'_>,
    transformed: &[String],
) -> Result<UpdateMask, Error> {
    let named: Vec<Vec<FieldId>> = transformed.iter().filter_map(|path| steps(model, path)).collect();
    let named: Vec<&[FieldId]> = named.iter().map(Vec::as_slice).collect();
    let (parts, whole): (Vec<FieldId>, Vec<FieldId>) =
        present(model, decoded).into_iter().partition(|field| named.iter().any(|path| path.first() == Some(field)));
    let UpdateMask::Paths(mut paths) = UpdateMask::from_fields(whole) else { return Ok(UpdateMask::Populated) };
    let mut texts = Vec::new();
    for (key, value) in &members.0 {
        let field = model.shape().by_name(key);
        if let Some(field) = field.filter(|field| parts.contains(field)) {
            beside(model, model.shape(), (field, value), (&named, ""), &mut texts)?;
        }
    }
    for text in texts {
        if let Ok(UpdateMask::Paths(path)) = UpdateMask::parse(&model.shapes, model.shape, &[text]) {
            paths.extend(path);
        }
    }
    paths.sort();
    Ok(UpdateMask::Paths(paths))
}

/// Adds what a field has apart from what is named in it.
fn beside(
    model: &Model,
    shape: &Shape,
    (field, value): (FieldId, &RawValue),
    (named, prefix): (&[&[FieldId]], &str),
    texts: &mut Vec<String>,
) -> Result<(), Error> {
    let inside = named.iter().filter_map(|path| path.split_first()).filter(|(first, _)| **first == field);
    let inside: Vec<&[FieldId]> = inside.map(|(_, rest)| rest).collect();
    if inside.iter().any(|rest| rest.is_empty()) {
        return Ok(());
    }
    let text = format!("{prefix}{}", shape.field(field).name);
    let members = if inside.is_empty() { None } else { raw::members(value)? };
    let (Some(members), Kind::Message(inner)) = (members, shape.field(field).kind) else {
        texts.push(text);
        return Ok(());
    };
    let inner = model.shapes.get(inner);
    let prefix = format!("{text}.");
    for (key, value) in &members.0 {
        if let Some(field) = inner.by_name(key) {
            beside(model, inner, (field, value), (&inside, &prefix), texts)?;
        }
    }
    Ok(())
}

/// The steps of a path; none if it is wrong, which the backend says better.
fn steps(model: &Model, path: &String) -> Option<Vec<FieldId>> {
    match UpdateMask::parse(&model.shapes, model.shape, std::slice::from_ref(path)) {
        Ok(UpdateMask::Paths(paths)) => paths.first().map(|path| path.steps().to_vec()),
        _ => None,
    }
}
