//! What can be read, by the names that lead there.

use super::literal::key;
use super::tree::Ty;
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::shape::{Cardinality, Field, Kind, MapKey, ShapeId, Shapes, Wrapped};
use rand::RngExt as _;
use rand::rngs::StdRng;

/// How deep paths go: through two levels of messages.
const MAX_STEPS: usize = 3;

/// The indexes of a list, other than numbers. Most are out of range, and some are errors.
const INDEXES: [&str; 10] = [
    "size(strings)",
    "an_int32",
    "maybe_int64",
    "int(a_uint64)",
    "int64_value",
    "author.rank",
    "size(a_string) - 1",
    "(a_bool ? 0 : 1)",
    "leaves[0].short",
    "size(branches[an_int32].leaves)",
];

/// The keys of a map with texts for keys.
const KEYS: [&str; 6] =
    ["a_string", "maybe_string", "string_value", "author.country", "leaves[0].name", "branches_by_name.a.title"];

/// A path of fields, and of elements.
#[derive(Clone, Debug)]
pub(super) struct Path {
    steps: Vec<Step>,
    pub(super) what: What,
    /// The place of the reference that it leads along.
    pub(super) reference: Option<usize>,
}

#[derive(Clone, Debug)]
enum Step {
    /// A field by any of its names.
    Field(Vec<String>),
    /// An element of a list.
    Item,
    /// The value of a key.
    Key(Ty),
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

    /// Whether an element is on the way, which is often not there.
    pub(super) fn is_inside(&self) -> bool {
        self.steps.iter().any(|step| !matches!(step, Step::Field(_)))
    }

    /// The path as somebody would write it, from a variable or from the record.
    pub(super) fn text(&self, random: &mut StdRng, variable: Option<&str>) -> String {
        let root = match variable {
            Some(variable) => variable,
            None => ["", "", "", "record", "this"][random.random_range(0..5)],
        };
        let text = self.steps.iter().fold(root.to_owned(), |text, step| text + &step.text(random));
        text.trim_start_matches('.').to_owned()
    }
}

impl Step {
    fn text(&self, random: &mut StdRng) -> String {
        match self {
            Self::Field(names) => format!(".{}", names[random.random_range(0..names.len())]),
            Self::Item if random.random_bool(0.8) => format!("[{}]", ["0", "0", "1", "2"][random.random_range(0..4)]),
            Self::Item => format!("[{}]", INDEXES[random.random_range(0..INDEXES.len())]),
            Self::Key(Ty::String) if random.random_bool(0.1) => ".a".to_owned(),
            Self::Key(Ty::String) if random.random_bool(0.2) => {
                format!("[{}]", KEYS[random.random_range(0..KEYS.len())])
            }
            Self::Key(ty) => format!("[{}]", key(random, *ty)),
        }
    }
}

/// All paths of a model: through its messages, and one step along its references.
pub(super) fn of_model(catalog: &Catalog, model: &Model) -> Vec<Path> {
    let mut paths = of_message(&model.shapes, model.shape);
    for (at, reference) in model.references.iter().enumerate() {
        let target = catalog.model(&reference.target).unwrap();
        let step = Step::Field(vec![reference.name.clone(), model.shape().field(reference.field).name.clone()]);
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

fn collect(shapes: &Shapes, id: ShapeId, before: &mut Vec<Step>, paths: &mut Vec<Path>) {
    for (_, field) in shapes.get(id).iter() {
        let Some(what) = what(field) else { continue };
        before.push(Step::Field(vec![field.name.clone(), field.json_name.clone()]));
        paths.push(Path { steps: before.clone(), what, reference: None });
        let length = before.len();
        before.extend(match what {
            What::List(_) => Some(Step::Item),
            What::Map(key, _) => Some(Step::Key(key)),
            _ => None,
        });
        let fields = before.iter().filter(|step| matches!(step, Step::Field(_))).count();
        if let Kind::Message(inner) = field.kind
            && fields < MAX_STEPS
        {
            collect(shapes, inner, before, paths);
        }
        before.truncate(length - 1);
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
