//! Adapts the steps of a plan to the existing objects.

use super::existing::Existing;
use super::indexes::{Indexes, of_step};
use super::restore;
use groundplan_model::catalog::{Catalog, Model, Reference};
use groundplan_model::{
    ColumnState, DatabaseObject, Ddl, Execution, Step, StepKind, TRIGRAM_OPERATORS, quote, reference_step,
    reference_subject,
};

/// Moves unique indexes and foreign keys to the end, because existing records might violate them and writers must satisfy
/// them from then on. Changes existing tables without blocking writes: a plan from nothing treats each table as new.
pub(super) fn arrange(steps: Vec<Step>, existing: &Existing, base: Option<&Catalog>, target: &Catalog) -> Vec<Step> {
    let mut steps: Vec<Step> = steps.into_iter().map(|step| without_blocking(step, existing, base, target)).collect();
    let unique = unique_indexes(target);
    steps.sort_by_key(|step| !step.undo.is_empty() || of_step(step).any(|index| unique.contains(&index)));
    for statement in steps.iter_mut().flat_map(|step| &mut step.statements) {
        qualify_operators(statement, existing);
    }
    steps
}

/// Returns the unique indexes of a revision.
fn unique_indexes(target: &Catalog) -> Indexes {
    let unique = target.models.iter().flat_map(|model| {
        let unique = model.indexes.iter().filter(|index| index.unique);
        unique.map(|index| (model.table.schema.clone(), index.name.clone()))
    });
    unique.collect()
}

/// Rewrites a step on an existing table so that writes continue.
fn without_blocking(mut step: Step, existing: &Existing, base: Option<&Catalog>, target: &Catalog) -> Step {
    if step.kind == StepKind::AddReference && step.undo.is_empty() {
        return reference_without_blocking(&step, existing, base, target).unwrap_or(step);
    }
    for statement in &mut step.statements {
        if existing.has_table(&statement.table) {
            build_concurrently(statement);
        }
    }
    step
}

fn build_concurrently(statement: &mut Ddl) {
    for start in ["CREATE INDEX ", "CREATE UNIQUE INDEX "] {
        if let Some(rest) = statement.sql.strip_prefix(start)
            && statement.execution != Execution::OutsideTransaction
        {
            statement.sql = format!("{start}CONCURRENTLY {rest}");
            statement.execution = Execution::OutsideTransaction;
        }
    }
}

/// Returns the step of a reference on an existing table; `None` if the table is new.
fn reference_without_blocking(
    step: &Step,
    existing: &Existing,
    base: Option<&Catalog>,
    target: &Catalog,
) -> Option<Step> {
    let (model, reference) = find_reference(target, &step.subject)?;
    let column = &model.shape().field(reference.field).storage_name;
    let state = match existing.text_is_never_null(&model.table, column) {
        _ if !existing.has_table(&model.table) => return None,
        Some(never_null) if !existing.has_foreign_key(&model.table, &reference.constraint) => {
            // A killed apply might have dropped NOT NULL already, and the undo must restore what the base needs.
            ColumnState::Texts { never_null: never_null || was_never_null(base, model, column) }
        }
        _ => ColumnState::IdsOnly,
    };
    reference_step(target, model, reference, state)
}

/// Reports whether the column held an ordinary text without presence in the base.
fn was_never_null(base: Option<&Catalog>, model: &Model, column: &str) -> bool {
    let before = base.and_then(|base| base.model(&model.full_name)).filter(|before| before.table == model.table);
    before.is_some_and(|before| {
        before.shape().by_storage_name(column).is_some_and(|field| restore::is_never_null(before, field))
    })
}

/// Returns the reference that a step adds.
pub(super) fn find_reference<'a>(target: &'a Catalog, subject: &str) -> Option<(&'a Model, &'a Reference)> {
    target.models.iter().find_map(|model| {
        let mut references = model.references.iter();
        let reference = references.find(|reference| reference_subject(model, reference) == subject)?;
        Some((model.as_ref(), reference))
    })
}

/// Qualifies the operators of an extension with its schema, which administrators can choose.
fn qualify_operators(statement: &mut Ddl, existing: &Existing) {
    if let (Some(DatabaseObject::Index(_)), Some(schema)) = (&statement.creates, existing.trigram_schema()) {
        statement.sql = statement.sql.replace(TRIGRAM_OPERATORS, &format!("{}.gin_trgm_ops", quote(schema)));
    }
}
