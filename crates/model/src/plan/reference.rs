//! Plans the step that enforces a reference.

use super::{Step, StepKind};
use crate::catalog::{Catalog, Model, Reference};
use crate::ddl::{self, Ddl};

/// The state of the column that becomes a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnState {
    /// In a new table without writers.
    NewTable,
    /// In a table with writers. The column contains only ids or NULL.
    IdsOnly,
    /// In a table with writers. The column contains texts; `never_null` if none can be NULL.
    Texts { never_null: bool },
}

/// Returns the step that enforces a reference of a model; `None` if the catalog does not contain the referenced model,
/// which the compiler prevents.
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
        description: format!(
            "enforce that {field} of {} references existing records of {}",
            model.full_name, target.full_name
        ),
        statements,
        undo,
    })
}

/// Returns the subject of the step of a reference.
pub fn reference_subject(model: &Model, reference: &Reference) -> String {
    format!("{}.{}", model.full_name, model.shape().field(reference.field).name)
}
