//! Update masks (AIP-134, AIP-161): which fields of a record an update is about. Read masks are in [`read`].

use crate::error::{DecodeError, shown};
use crate::{Record, Value, kinds, nearest};
use groundplan_model::shape::{Cardinality, Field, FieldId, Kind, Shape, ShapeId, Shapes};

mod merge;
mod read;

pub use merge::Merge;
pub(crate) use merge::{Step, merge_json};
pub use read::ReadMask;

/// The most paths in a mask.
pub const MAX_PATHS: usize = 1_000;

/// The most bytes in a mask's paths together.
pub const MAX_BYTES: usize = 8 * 1_024;

/// Which fields an update is about.
#[derive(Clone, Debug, PartialEq)]
pub enum UpdateMask {
    /// `*`: all of them, so that what the update does not have is cleared.
    All,
    /// No mask was given: those that the update has.
    Populated,
    /// Sorted; none is inside another.
    Paths(Vec<Path>),
    /// What a JSON merge patch (RFC 7396) names, which goes into maps and free-form JSON.
    Merge(Merge),
}

/// A field: the steps to it through singular messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<FieldId>);

impl Path {
    /// The fields from the record inwards; at least one.
    pub fn steps(&self) -> &[FieldId] {
        &self.0
    }
}

impl UpdateMask {
    /// Reads the paths of a FieldMask, by proto names or JSON names.
    pub fn parse(shapes: &Shapes, shape: ShapeId, paths: &[String]) -> Result<Self, DecodeError> {
        let parsed = parse_paths(shapes, shape, paths, "replaced");
        match parsed.map_err(|message| DecodeError::new("mask", message).in_field("update_mask"))? {
            Some(parsed) if parsed.is_empty() => Ok(Self::Populated),
            Some(parsed) => Ok(Self::of_paths(parsed)),
            None => Ok(Self::All),
        }
    }

    /// A mask of whole fields, such as the keys of a JSON object.
    pub fn of_fields(fields: Vec<FieldId>) -> Self {
        Self::of_paths(fields.into_iter().map(|field| Path(vec![field])).collect())
    }

    /// Changes `base` as `update` says. Output-only fields stay as they are, at every depth, whatever the mask says.
    ///
    /// What was stored in a message beyond its shape stays as long as the message does, even if all its fields are
    /// replaced. Elements of lists and maps are no such messages: a new list is new in everything.
    ///
    /// Shapes do not know which field is a model's id. Both records are of one id, so the caller, who knows, gives it to
    /// `update` before or puts it back afterwards.
    pub fn apply(&self, shapes: &Shapes, shape: ShapeId, base: &mut Record, mut update: Record) {
        let apply = Apply { shapes };
        let shape = shapes.get(shape);
        match self {
            Self::All => apply.all(shape, base, update),
            Self::Populated => {
                for (id, _) in shape.iter() {
                    if let Some(value) = update.take(id) {
                        apply.copy(shape, id, base, Some(value));
                    }
                }
            }
            Self::Paths(paths) => {
                for path in paths {
                    apply.path(shape, &path.0, base, &mut update);
                }
            }
            Self::Merge(merge) => apply.merge(shape, merge, base, &mut update),
        }
    }

    fn of_paths(paths: Vec<Path>) -> Self {
        Self::Paths(outermost(paths))
    }
}

/// Copies from an update to a base.
struct Apply<'a> {
    shapes: &'a Shapes,
}

impl Apply<'_> {
    /// Replaces all fields but the output-only ones.
    fn all(&self, shape: &Shape, base: &mut Record, mut update: Record) {
        for (id, field) in shape.iter() {
            if !field.behavior.output_only {
                self.copy(shape, id, base, update.take(id));
            }
        }
    }

    /// Replaces one field.
    fn copy(&self, shape: &Shape, id: FieldId, base: &mut Record, value: Option<Value>) {
        let field = shape.field(id);
        if field.behavior.output_only {
            return;
        }
        let value = value.map(|value| self.merged(field, base.take(id), value));
        base.set_in(shape, id, value);
    }

    /// The new value of a field: the update's, with the output-only fields of the message that was there before, and with
    /// what that one has beyond its shape.
    fn merged(&self, field: &Field, before: Option<Value>, mut value: Value) -> Value {
        match (field.kind, before, value) {
            (Kind::Message(inner), Some(Value::Message(mut base)), Value::Message(update)) => {
                self.all(self.shapes.get(inner), &mut base, update);
                Value::Message(base)
            }
            (Kind::Message(inner), _, other) => {
                value = other;
                kinds::each_message(&mut value, &mut |record| clear_output_only(self.shapes, inner, record));
                value
            }
            (_, _, other) => other,
        }
    }

    /// Replaces the field at the end of a path.
    fn path(&self, shape: &Shape, path: &[FieldId], base: &mut Record, update: &mut Record) {
        let Some((&id, rest)) = path.split_first() else { return };
        let field = shape.field(id);
        let inner = match field.kind {
            Kind::Message(inner) if !rest.is_empty() => inner,
            _ => return self.copy(shape, id, base, update.take(id)),
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
            // Nothing to copy: what is there is cleared, and what is not there is not made.
            _ => &mut Record::new(inner),
        };
        if let Some(Value::Message(target)) = base.get_mut(id) {
            self.path(inner, rest, target, source);
        }
    }
}

/// Clears all output-only fields, however deep: what clients send there is ignored (AIP-203).
pub fn clear_output_only(shapes: &Shapes, shape: ShapeId, record: &mut Record) {
    clear(shapes, shape, record, |field| field.behavior.output_only);
}

/// Clears all input-only fields, however deep: what servers send never has them (AIP-203).
pub fn clear_input_only(shapes: &Shapes, shape: ShapeId, record: &mut Record) {
    clear(shapes, shape, record, |field| field.behavior.input_only);
}

fn clear(shapes: &Shapes, shape: ShapeId, record: &mut Record, is_cleared: fn(&Field) -> bool) {
    for (id, field) in shapes.get(shape).iter() {
        if is_cleared(field) {
            record.take(id);
        } else if let (Kind::Message(inner), Some(value)) = (field.kind, record.get_mut(id)) {
            kinds::each_message(value, &mut |message| clear(shapes, inner, message, is_cleared));
        }
    }
}

/// Reads the paths of a mask; none if it is `*`. What is wrong with them follows the mask's name in a sentence, where
/// `done` is what happens to fields: they are replaced, or read.
fn parse_paths(shapes: &Shapes, shape: ShapeId, paths: &[String], done: &str) -> Result<Option<Vec<Path>>, String> {
    if paths.len() > MAX_PATHS || paths.iter().map(String::len).sum::<usize>() > MAX_BYTES {
        return Err(format!("must have at most {MAX_PATHS} paths of {MAX_BYTES} bytes together; use \"*\" for all"));
    }
    if paths.iter().any(|path| path == "*") {
        return match paths {
            [_] => Ok(None),
            _ => Err("must not have other paths beside \"*\"".into()),
        };
    }
    paths.iter().map(|path| parse_path(shapes, shape, path, done)).collect::<Result<_, _>>().map(Some)
}

/// Sorts paths, and drops those that another one includes.
fn outermost(mut paths: Vec<Path>) -> Vec<Path> {
    paths.sort();
    paths.dedup_by(|later, kept| later.0.starts_with(&kept.0));
    paths
}

/// Reads one path.
fn parse_path(shapes: &Shapes, shape: ShapeId, text: &str, done: &str) -> Result<Path, String> {
    let mut shape = shapes.get(shape);
    let mut steps = Vec::new();
    let mut parts = text.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(id) = shape.by_name(part) else {
            let suggestion = nearest::suggestion(part, shape.fields.iter().map(|field| field.name.as_str()));
            return Err(format!(
                "has the path {:?}, but {:?} is not a field of {}{suggestion}",
                shown(text),
                shown(part),
                shape.full_name
            ));
        };
        steps.push(id);
        if parts.peek().is_none() {
            break;
        }
        let field = shape.field(id);
        let what = match (field.cardinality, field.kind) {
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
            "has the path {:?}, but {whole} is {what}, which can only be {done} as a whole; end the path there",
            shown(text)
        ));
    }
    Ok(Path(steps))
}
