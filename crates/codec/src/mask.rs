//! Update masks (AIP-134, AIP-161): the fields that an update changes. Read masks are in [`read`].

use crate::error::{DecodeError, shorten_name};
use crate::{Record, Value, kinds, nearest};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, Shape, ShapeId, Shapes};

mod merge;
mod read;

pub use merge::Merge;
pub(crate) use merge::{Step, merge_json};
pub use read::ReadMask;

/// The maximum number of paths in a mask.
pub const MAX_PATHS: usize = 1_000;

/// The maximum size of a mask's paths together, in bytes.
pub const MAX_BYTES: usize = 8 * 1_024;

/// The fields that an update changes.
#[derive(Clone, Debug, PartialEq)]
pub enum UpdateMask {
    /// `*`: all fields; those that the update does not have are cleared.
    All,
    /// No mask: the fields that the update has.
    Populated,
    /// Sorted, without paths inside other paths.
    Paths(Vec<Path>),
    /// The fields that a JSON merge patch (RFC 7396) names, including keys of maps and free-form JSON.
    Merge(Merge),
}

/// The path of a field through singular messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<FieldId>);

impl Path {
    /// Returns the fields from the record inwards; at least one.
    pub fn steps(&self) -> &[FieldId] {
        &self.0
    }
}

impl UpdateMask {
    /// Parses the paths of a FieldMask, with proto names or JSON names.
    pub fn parse(shapes: &Shapes, shape: ShapeId, paths: &[String]) -> Result<Self, DecodeError> {
        let parsed = parse_paths(shapes, shape, paths, "replaced");
        match parsed.map_err(|message| DecodeError::new("mask", message).in_field("update_mask"))? {
            Some(parsed) if parsed.is_empty() => Ok(Self::Populated),
            Some(parsed) => Ok(Self::from_paths(parsed)),
            None => Ok(Self::All),
        }
    }

    /// Returns a mask of whole fields, such as the keys of a JSON object.
    pub fn from_fields(fields: Vec<FieldId>) -> Self {
        Self::from_paths(fields.into_iter().map(|field| Path(vec![field])).collect())
    }

    /// Applies `update` to `base`. Output-only fields never change, at any depth, regardless of the mask.
    ///
    /// Unknown members of a message stay while the message exists, even if all its fields are replaced. This does not apply to
    /// elements of lists and maps, which are replaced completely.
    ///
    /// Shapes do not know which field is a model's id. The caller must set the id in `update` before, or restore it afterwards.
    pub fn apply(&self, shapes: &Shapes, shape: ShapeId, base: &mut Record, mut update: Record) {
        let apply = Apply { shapes };
        let shape = shapes.get(shape);
        match self {
            Self::All => apply.replace_all(shape, base, update),
            Self::Populated => {
                for (id, _) in shape.iter() {
                    if let Some(value) = update.take(id) {
                        apply.replace_field(shape, id, base, Some(value));
                    }
                }
            }
            Self::Paths(paths) => {
                for path in paths {
                    apply.replace_path(shape, &path.0, base, &mut update);
                }
            }
            Self::Merge(merge) => apply.merge(shape, merge, base, &mut update),
        }
    }

    fn from_paths(paths: Vec<Path>) -> Self {
        Self::Paths(remove_nested_paths(paths))
    }
}

/// Copies from an update to a base.
struct Apply<'a> {
    shapes: &'a Shapes,
}

impl Apply<'_> {
    /// Replaces all fields except output-only ones.
    fn replace_all(&self, shape: &Shape, base: &mut Record, mut update: Record) {
        for (id, field) in shape.iter() {
            if !field.behavior.output_only {
                self.replace_field(shape, id, base, update.take(id));
            }
        }
    }

    /// Replaces one field.
    fn replace_field(&self, shape: &Shape, id: FieldId, base: &mut Record, value: Option<Value>) {
        let field = shape.field(id);
        if field.behavior.output_only {
            return;
        }
        let value = value.map(|value| self.merge_value(field, base.take(id), value));
        base.set_in(shape, id, value);
    }

    /// Returns the new value of a field: the update's, with the output-only fields and the unknown members of the old message.
    fn merge_value(&self, field: &Field, before: Option<Value>, mut value: Value) -> Value {
        match (field.kind, before, value) {
            (Kind::Message(inner), Some(Value::Message(mut base)), Value::Message(update)) => {
                self.replace_all(self.shapes.get(inner), &mut base, update);
                Value::Message(base)
            }
            (Kind::Message(inner), _, other) => {
                value = other;
                kinds::for_each_message(&mut value, &mut |record| clear_output_only(self.shapes, inner, record));
                value
            }
            (_, _, other) => other,
        }
    }

    /// Replaces the field at the end of a path.
    fn replace_path(&self, shape: &Shape, path: &[FieldId], base: &mut Record, update: &mut Record) {
        let Some((&id, rest)) = path.split_first() else { return };
        let field = shape.field(id);
        let inner = match field.kind {
            Kind::Message(inner) if !rest.is_empty() => inner,
            _ => return self.replace_field(shape, id, base, update.take(id)),
        };
        if field.behavior.output_only {
            return;
        }
        let inner = self.shapes.get(inner);
        let source = match update.get_mut(id) {
            Some(Value::Message(source)) => {
                if base.get(id).is_none() {
                    base.set_in(shape, id, Some(Value::Message(Record::new(inner))));
                }
                source
            }
            // Nothing to copy: an existing message is cleared, and a missing one is not created.
            _ => &mut Record::new(inner),
        };
        if let Some(Value::Message(target)) = base.get_mut(id) {
            self.replace_path(inner, rest, target, source);
        }
    }
}

/// Clears all output-only fields at any depth: values from clients are ignored (AIP-203).
pub fn clear_output_only(shapes: &Shapes, shape: ShapeId, record: &mut Record) {
    clear(shapes, shape, record, |field| field.behavior.output_only);
}

/// Clears all input-only fields at any depth: responses never have them (AIP-203).
pub fn clear_input_only(shapes: &Shapes, shape: ShapeId, record: &mut Record) {
    clear(shapes, shape, record, |field| field.behavior.input_only);
}

fn clear(shapes: &Shapes, shape: ShapeId, record: &mut Record, is_cleared: fn(&Field) -> bool) {
    for (id, field) in shapes.get(shape).iter() {
        if is_cleared(field) {
            record.take(id);
        } else if let (Kind::Message(inner), Some(value)) = (field.kind, record.get_mut(id)) {
            kinds::for_each_message(value, &mut |message| clear(shapes, inner, message, is_cleared));
        }
    }
}

/// Parses the paths of a mask; returns `None` for `*`. Errors are phrased to follow the mask's name; `participle` says what the
/// mask does with fields: they are "replaced" or "read".
fn parse_paths(
    shapes: &Shapes,
    shape: ShapeId,
    paths: &[String],
    participle: &str,
) -> Result<Option<Vec<Path>>, String> {
    if paths.len() > MAX_PATHS || paths.iter().map(String::len).sum::<usize>() > MAX_BYTES {
        return Err(format!("must have at most {MAX_PATHS} paths of {MAX_BYTES} bytes together; use \"*\" for all"));
    }
    if paths.iter().any(|path| path == "*") {
        return match paths {
            [_] => Ok(None),
            _ => Err("must not have other paths next to \"*\"".into()),
        };
    }
    paths.iter().map(|path| parse_path(shapes, shape, path, participle)).collect::<Result<_, _>>().map(Some)
}

/// Sorts paths, and removes those that another path includes.
fn remove_nested_paths(mut paths: Vec<Path>) -> Vec<Path> {
    paths.sort();
    paths.dedup_by(|later, earlier| later.0.starts_with(&earlier.0));
    paths
}

/// Parses one path.
fn parse_path(shapes: &Shapes, shape: ShapeId, text: &str, participle: &str) -> Result<Path, String> {
    let mut shape = shapes.get(shape);
    let mut steps = Vec::new();
    let mut parts = text.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(id) = shape.by_name(part) else {
            let suggestion = nearest::suggestion(part, shape.fields.iter().map(|field| field.name.as_str()));
            return Err(format!(
                "has the path {:?}, but {:?} is not a field of {}{suggestion}",
                shorten_name(text),
                shorten_name(part),
                shape.full_name
            ));
        };
        steps.push(id);
        if parts.peek().is_none() {
            break;
        }
        let field = shape.field(id);
        let description = match (field.cardinality, field.kind) {
            (Cardinality::Repeated, _) => "a list",
            (Cardinality::Map(_), _) => "a map",
            (_, Kind::Message(inner)) => {
                shape = shapes.get(inner);
                continue;
            }
            (_, Kind::Struct | Kind::Value | Kind::ListValue) => "free-form JSON",
            _ => "a single value",
        };
        let whole = field.name.as_str();
        return Err(format!(
            "has the path {:?}, but {whole} is {description}, which can only be {participle} as a whole; end the path there",
            shorten_name(text)
        ));
    }
    Ok(Path(steps))
}
