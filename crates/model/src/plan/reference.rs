//! The step that makes a reference true.

use super::{Step, StepKind};
use crate::catalog::{Catalog, Model, Reference};
use crate::ddl::{self, Ddl};

/// What is where a reference is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnState {
    /// A new table, to which nobody writes yet.
    NewTable,
    /// A table that is written to. The column can hold nothing but ids.
    IdsOnly,
    /// A table that is written to, and a column with texts in it, none of which may be NULL if `never_null`.
    Texts { never_null: bool },
}

/// The step that makes a reference of a model true. None if its model is not in the catalog, which no compiler would make.
pub fn reference_step(catalog: &Catalog, model: &Model, reference: &Reference, column: ColumnState) -> Option<Step> {
    let target = catalog.model(&reference.target)?;
    let add = |valid| ddl::add_foreign_key(model, reference, target, valid);
    let add_then_validate = [add(false), ddl::validate_foreign_key(model, reference)];
    let (statements, undo): (Vec<Ddl>, Vec<Ddl>) = match column {
        ColumnState::NewTable => (vec![add(true)], Vec::new()),
        ColumnState::IdsOnly => (add_then_validate.into(), vec![ddl::drop_foreign_key(model, reference)]),
        ColumnState::Texts { never_null } => {
            let mut undo = vec![ddl::drop_foreign_key(model, reference)];
            undo.extend(ddl::undo_replace_empty_with_null(model, reference, never_null));
            let adopted = ddl::replace_empty_with_null(model, reference, never_null);
            (adopted.into_iter().chain(add_then_validate).collect(), undo)
        }
    };
    let field = &model.shape().field(reference.field).name;
    Some(Step {
        kind: StepKind::AddReference,
        subject: reference_subject(model, reference),
        description: format!("let {field} of {} refer to records of {} that exist", model.full_name, target.full_name),
        statements,
        undo,
    })
}

/// What the step of a reference is about.
pub fn reference_subject(model: &Model, reference: &Reference) -> String {
    format!("{}.{}", model.full_name, model.shape().field(reference.field).name)
}
