//! Tests of valid expressions and their meaning, invalid ones and their errors, and hostile ones.

mod debug;
mod formulas;
mod hostile;
mod invalid;
mod limits;
mod order;
mod valid;

use crate::ir::Expr;
use crate::{ExprError, Scope};
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::{Input, SourceFile, StorageNames, compile};
use std::sync::{Arc, LazyLock};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let content = include_str!("tests/shop.proto").to_owned();
    let file = SourceFile { path: "shop/v1/shop.proto".to_owned(), content };
    match compile(Input::Files(vec![file]), &StorageNames::default()) {
        Ok(compiled) => compiled.catalog,
        Err(diagnostics) => panic!("{}", diagnostics.iter().map(|one| format!("{one}\n")).collect::<String>()),
    }
});

fn model() -> &'static Arc<Model> {
    CATALOG.model("shop.v1.Thing").unwrap()
}

fn scope() -> Scope<'static> {
    Scope { catalog: &CATALOG, model: model() }
}

fn check(source: &str) -> Result<Expr, ExprError> {
    super::filter(scope(), source)
}

/// Returns the message and the position of an error.
fn error_of(source: &str) -> String {
    match check(source) {
        Ok(expr) => format!("accepted: {}", debug::write(&expr)),
        Err(error) => error.to_string(),
    }
}
