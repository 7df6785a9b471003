//! The fields that an update changes: those in its mask, or those whose keys are present.

use super::{Input, Members, raw};
use crate::parameter_errors::invalid_parameter;
use groundplan_codec::json::Decoded;
use groundplan_codec::mask::UpdateMask;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::{FieldId, Kind, Shape, Shapes};
use serde_json::value::RawValue;

const MASK: &str = "updateMask";

impl Input<'_> {
    /// Reads field paths: a comma-separated string, as in the JSON of a FieldMask, or a list of strings.
    pub(crate) fn paths(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let is_list = self.members.iter().any(|(other, value)| *other == name && value.get().starts_with('['));
        if is_list { self.texts(name) } else { self.names(name) }
    }

    /// Reads the mask; none if absent or empty.
    pub(crate) fn update_mask(&mut self, model: &Model) -> Result<Option<UpdateMask>, Error> {
        let paths = self.paths(MASK)?;
        if paths.is_empty() {
            return Ok(None);
        }
        let parsed = UpdateMask::parse(&model.shapes, model.shape, &paths);
        parsed.map(Some).map_err(|error| invalid_parameter(self.path_of(MASK), error.rule, error.message))
    }
}

/// The fields whose keys are present, including `null`, except the id and the etag.
pub(crate) fn present(model: &Model, decoded: &Decoded) -> Vec<FieldId> {
    let names = identity_fields(model);
    decoded.present.iter().copied().filter(|field| !names.contains(field)).collect()
}

/// The id and the etag.
pub(crate) fn identity_fields(model: &Model) -> Vec<FieldId> {
    std::iter::once(model.roles.id).chain(model.roles.etag).collect()
}

/// The same without the fields that transforms name: their values are operands, not new values.
pub(crate) fn present_without(
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
    let mut remaining = RemainingPaths { shapes: &model.shapes, paths: Vec::new() };
    for (key, value) in &members.0 {
        let field = model.shape().by_name(key);
        if let Some(field) = field.filter(|field| parts.contains(field)) {
            remaining.add(model.shape(), (field, value), &named, "")?;
        }
    }
    for text in remaining.paths {
        if let Ok(UpdateMask::Paths(path)) = UpdateMask::parse(&model.shapes, model.shape, &[text]) {
            paths.extend(path);
        }
    }
    paths.sort();
    Ok(UpdateMask::Paths(paths))
}

/// The paths of the fields that are present and that no transform names.
struct RemainingPaths<'a> {
    shapes: &'a Shapes,
    paths: Vec<String>,
}

impl RemainingPaths<'_> {
    /// Adds the paths of a field. `transformed` has the paths of the transforms, relative to its message.
    fn add(
        &mut self,
        shape: &Shape,
        (field, value): (FieldId, &RawValue),
        transformed: &[&[FieldId]],
        prefix: &str,
    ) -> Result<(), Error> {
        let inside = transformed.iter().filter_map(|path| path.split_first()).filter(|(first, _)| **first == field);
        let inside: Vec<&[FieldId]> = inside.map(|(_, rest)| rest).collect();
        if inside.iter().any(|rest| rest.is_empty()) {
            return Ok(());
        }
        let path = format!("{prefix}{}", shape.field(field).name);
        let members = if inside.is_empty() { None } else { raw::members(value)? };
        let (Some(members), Kind::Message(inner)) = (members, shape.field(field).kind) else {
            self.paths.push(path);
            return Ok(());
        };
        let inner = self.shapes.get(inner);
        let prefix = format!("{path}.");
        for (key, value) in &members.0 {
            if let Some(field) = inner.by_name(key) {
                self.add(inner, (field, value), &inside, &prefix)?;
            }
        }
        Ok(())
    }
}

/// The steps of a path; none if it is invalid, which the backend reports.
fn steps(model: &Model, path: &String) -> Option<Vec<FieldId>> {
    match UpdateMask::parse(&model.shapes, model.shape, std::slice::from_ref(path)) {
        Ok(UpdateMask::Paths(paths)) => paths.first().map(|path| path.steps().to_vec()),
        _ => None,
    }
}
