//! Tests with a message that has a field of every shape: examples, and prost-reflect as the oracle.

mod json;
mod mask;
mod oracle;
mod random;
mod read_mask;
mod revisions;
mod robustness;
mod storage;
mod wire;

use crate::Value;
use groundplan_model::{Catalog, Field, FieldId, Input, Shape, ShapeId, Shapes, SourceFile, StorageNames, compile};
use std::sync::LazyLock;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let content = include_str!("tests/everything.proto").to_owned();
    let file = SourceFile { path: "every/v1/everything.proto".to_owned(), content };
    let mut names = StorageNames::default();
    names.insert("every.v1.Nested".to_owned(), 1, "old_title".to_owned());
    compile(Input::Files(vec![file]), &names).unwrap().catalog
});

fn shapes() -> &'static Shapes {
    &CATALOG.shapes
}

fn everything() -> ShapeId {
    shapes().by_name("every.v1.Everything").unwrap()
}

fn nested() -> ShapeId {
    shapes().by_name("every.v1.Nested").unwrap()
}

fn shape() -> &'static Shape {
    shapes().get(everything())
}

fn id(name: &str) -> FieldId {
    shape().by_name(name).unwrap()
}

fn field(name: &str) -> &'static Field {
    shape().field(id(name))
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}
