//! What can be read, by the names that lead there.

use super::tree::Ty;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::{Cardinality, Field, Kind, MapKey, ShapeId, Shapes, Wrapped};
use rand::RngExt as _;
use rand::rngs::StdRng;

/// How deep paths go: through two levels of messages.
const MAX_STEPS: usize = 3;

/// A path of fields, each step by any of its names.
#[derive(Clone, Debug)]
pub(super) struct Path {
    steps: Vec<Vec<String>>,
    pub(super) what: What,
    /// The place of the reference that it leads along.
    pub(super) reference: Option<usize>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    One(Ty),
    /// A scalar that is null where it is absent.
    Wrapped(Ty),
    List(Element),
    Map(Ty, Element),
    Message,
}

/// What lists and maps hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Scalar(Ty),
    Message(ShapeId),
}

impl Path {
    /// Whether it is a field of the record itself.
    pub(super) fn is_column(&self) -> bool {
        self.steps.len() == 1
    }

    /// The path as somebody would write it, from a variable or from the record.
    pub(super) fn text(&self, random: &mut StdRng, variable: Option<&str>) -> String {
        let root = match variable {
            Some(variable) => variable,
            None => ["", "", "", "record", "this"][random.random_range(0..5)],
        };
        let root = Some(root.to_owned()).filter(|root| !root.is_empty());
        let steps = self.steps.iter().map(|names| names[random.random_range(0..names.len())].clone());
        root.into_iter().chain(steps).collect::<Vec<String>>().join(".")
    }
}

/// All paths of a model: through its messages, and one step along its references.
pub(super) fn of_model(catalog: &Catalog, model: &Model) -> Vec<Path> {
    let mut paths = of_message(&model.shapes, model.shape);
    for (at, reference) in model.references.iter().enumerate() {
        let target = catalog.model(&reference.target).unwrap();
        let step = vec![reference.name.clone(), model.shape().field(reference.field).name.clone()];
        paths.extend(of_message(&target.shapes, target.shape).into_iter().map(|path| Path {
            steps: std::iter::once(step.clone()).chain(path.steps).collect(),
            what: path.what,
            reference: Some(at),
        }));
    }
    paths
}

/// All paths of a message.
pub(super) fn of_message(shapes: &Shapes, id: ShapeId) -> Vec<Path> {
    let mut paths = Vec::new();
    collect(shapes, id, &mut Vec::new(), &mut paths);
    paths
}

fn collect(shapes: &Shapes, id: ShapeId, before: &mut Vec<Vec<String>>, paths: &mut Vec<Path>) {
    for (_, field) in shapes.get(id).iter() {
        before.push(vec![field.name.clone(), field.json_name.clone()]);
        if let Some(what) = what(field) {
            paths.push(Path { steps: before.clone(), what, reference: None });
        }
        if let (What::Message, Kind::Message(inner)) = (what(field).unwrap_or(What::One(Ty::Bool)), field.kind)
            && before.len() < MAX_STEPS
        {
            collect(shapes, inner, before, paths);
        }
        before.pop();
    }
}

fn what(field: &Field) -> Option<What> {
    Some(match field.cardinality {
        Cardinality::Repeated => What::List(element(field.kind)?),
        Cardinality::Map(key) => What::Map(of_key(key), element(field.kind)?),
        _ => match element(field.kind)? {
            Element::Message(_) => What::Message,
            Element::Scalar(ty) if matches!(field.kind, Kind::Wrapper(_)) => What::Wrapped(ty),
            Element::Scalar(ty) => What::One(ty),
        },
    })
}

fn of_key(key: MapKey) -> Ty {
    match key {
        MapKey::Bool => Ty::Bool,
        MapKey::Integer(kind) if kind.is_unsigned() => Ty::Uint,
        MapKey::Integer(_) => Ty::Int,
        MapKey::String => Ty::String,
    }
}

fn element(kind: Kind) -> Option<Element> {
    Some(Element::Scalar(match kind {
        Kind::Bool | Kind::Wrapper(Wrapped::Bool) => Ty::Bool,
        Kind::Integer(kind) | Kind::Wrapper(Wrapped::Integer(kind)) => {
            if kind.is_unsigned() {
                Ty::Uint
            } else {
                Ty::Int
            }
        }
        Kind::Float | Kind::Double | Kind::Wrapper(Wrapped::Float | Wrapped::Double) => Ty::Double,
        Kind::String | Kind::Wrapper(Wrapped::String) => Ty::String,
        Kind::Bytes | Kind::Wrapper(Wrapped::Bytes) => Ty::Bytes,
        Kind::Enum(_) => Ty::Mood,
        Kind::Timestamp => Ty::Time,
        Kind::Duration => Ty::Duration,
        Kind::Message(inner) => return Some(Element::Message(inner)),
        Kind::FieldMask | Kind::Struct | Kind::Value | Kind::ListValue | Kind::Empty => return None,
    }))
}
