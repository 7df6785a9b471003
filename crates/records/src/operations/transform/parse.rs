//! Parses transforms: their paths and their operands.

use super::{Action, Transform};
use groundplan_codec::mask::{Path, UpdateMask};
use groundplan_codec::{Record, Value};
use groundplan_error::{Error, Violation};
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Field, FieldId, Kind};
use groundplan_operations::Transforms;

/// Parses the transforms of an update, and removes their operands from it. Returns an error if another transform or the
/// mask names the same field.
pub(crate) fn parse(
    model: &Model,
    transforms: &Transforms,
    mask: &UpdateMask,
    update: &mut Record,
) -> Result<Vec<Transform>, Error> {
    let lists = [
        (Action::Increment, &transforms.increment),
        (Action::Append, &transforms.append),
        (Action::Remove, &transforms.remove),
        (Action::Maximum, &transforms.maximum),
        (Action::Minimum, &transforms.minimum),
        (Action::ServerTime, &transforms.server_time),
    ];
    let mut found: Vec<Transform> = Vec::new();
    for (action, paths) in lists {
        for text in paths {
            let refuse =
                |words: String| Error::field(action.name(), "transform", format!("has the path {text:?}, {words}"));
            let path = path_of(model, text, action)?;
            let field = field_at(model, &path);
            if field.behavior.output_only {
                return Err(refuse("which only the server sets".into()));
            }
            if !action.fits(field) {
                return Err(refuse(format!("but {} takes {}", action.name(), action.takes())));
            }
            let is_twice = found.iter().any(|other| meet(other.path.steps(), path.steps()));
            let is_masked = match mask {
                UpdateMask::All | UpdateMask::Merge(_) => true,
                UpdateMask::Populated => false,
                UpdateMask::Paths(paths) => paths.iter().any(|other| meet(other.steps(), path.steps())),
            };
            if is_twice || is_masked {
                let other = if is_twice { "another transform names" } else { "update_mask names" };
                return Err(refuse(format!("which {other} too; a field changes in one way")));
            }
            let operand = take(update, path.steps());
            found.push(Transform { action, text: text.clone(), path, operand });
        }
    }
    Ok(found)
}

/// Parses one path.
fn path_of(model: &Model, text: &String, action: Action) -> Result<Path, Error> {
    let parsed = UpdateMask::parse(&model.shapes, model.shape, std::slice::from_ref(text)).map_err(|error| {
        let violations = Error::from(error).violations().to_vec();
        let renamed = violations.into_iter().map(|violation| Violation { field: action.name().into(), ..violation });
        Error::invalid(renamed.collect())
    })?;
    match parsed {
        UpdateMask::Paths(paths) => paths.into_iter().next(),
        _ => None,
    }
    .ok_or_else(|| Error::field(action.name(), "transform", format!("has the path {text:?}, which is not a field")))
}

/// Returns whether the paths are equal, or one is inside the other.
fn meet(one: &[FieldId], other: &[FieldId]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Returns the field at the end of a path, which has at least one step.
fn field_at<'a>(model: &'a Model, path: &Path) -> &'a Field {
    let mut shape = model.shape();
    let mut steps = path.steps().iter().peekable();
    loop {
        let field = shape.field(steps.next().copied().unwrap_or(model.roles.id));
        match (steps.peek(), field.kind) {
            (Some(_), Kind::Message(inner)) => shape = model.shapes.get(inner),
            _ => return field,
        }
    }
}

/// Removes the value at the end of a path, and returns it.
fn take(record: &mut Record, path: &[FieldId]) -> Option<Value> {
    match path.split_first()? {
        (last, []) => record.take(*last),
        (first, rest) => match record.get_mut(*first)? {
            Value::Message(inner) => take(inner, rest),
            _ => None,
        },
    }
}
