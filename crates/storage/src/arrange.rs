//! Fits the steps of a plan to what is there.

use super::existing::Existing;
use super::indexes::{Indexes, of_step};
use super::restore;
use groundplan_model::catalog::{Catalog, Model, Reference};
use groundplan_model::{
    ColumnState, DatabaseObject, Ddl, Execution, Step, StepKind, TRIGRAM_OPERATORS, quote, reference_step,
    reference_subject,
};

/// Puts unique indexes and foreign keys last, because records may stand in their way and writers have to obey them from
/// then on, and makes each of a table that was there before beside the writes to it: a plan from nothing takes every table
/// for a new one.
pub(super) fn arrange(steps: Vec<Step>, existing: &Existing, base: Option<&Catalog>, target: &Catalog) -> Vec<Step> {
    let mut steps: Vec<Step> = steps.into_iter().map(|step| beside_writes(step, existing, base, target)).collect();
    let unique = unique_indexes(target);
    steps.sort_by_key(|step| !step.undo.is_empty() || of_step(step).any(|index| unique.contains(&index)));
    for statement in steps.iter_mut().flat_map(|step| &mut step.statements) {
        find_operators(statement, existing);
    }
    steps
}

/// The unique indexes of a revision.
fn unique_indexes(target: &Catalog) -> Indexes {
    let unique = target.models.iter().flat_map(|model| {
        let unique = model.indexes.iter().filter(|index| index.unique);
        unique.map(|index| (model.table.schema.clone(), index.name.clone()))
    });
    unique.collect()
}

/// Lets writes go on, if the step is about a table that was there before.
fn beside_writes(mut step: Step, existing: &Existing, base: Option<&Catalog>, target: &Catalog) -> Step {
    if step.kind == StepKind::AddReference && step.undo.is_empty() {
        return reference_beside_writes(&step, existing, base, target).unwrap_or(step);
    }
    for statement in &mut step.statements {
        if existing.has_table(&statement.table) {
            index_beside_writes(statement);
        }
    }
    step
}

fn index_beside_writes(statement: &mut Ddl) {
    for start in ["CREATE INDEX ", "CREATE UNIQUE INDEX "] {
        if let Some(rest) = statement.sql.strip_prefix(start)
            && statement.execution != Execution::OutsideTransaction
        {
            statement.sql = format!("{start}CONCURRENTLY {rest}");
            statement.execution = Execution::OutsideTransaction;
        }
    }
}

/// The step of a reference on a table that was there before; none if it was not.
fn reference_beside_writes(step: &Step, existing: &Existing, base: Option<&Catalog>, target: &Catalog) -> Option<Step> {
    let (model, reference) = find_reference(target, &step.subject)?;
    let column = &model.shape().field(reference.field).storage_name;
    let room = match existing.text_is_never_null(&model.table, column) {
        _ if !existing.has_table(&model.table) => return None,
        Some(never_null) if !existing.has_foreign_key(&model.table, &reference.constraint) => {
            // An apply that was killed may have begun already, and what is taken back is what the base needs.
            ColumnState::Texts { never_null: never_null || was_never_null(base, model, column) }
        }
        _ => ColumnState::IdsOnly,
    };
    reference_step(target, model, reference, room)
}

/// Whether the column was an ordinary text that is never absent.
fn was_never_null(base: Option<&Catalog>, model: &Model, column: &str) -> bool {
    let before = base.and_then(|base| base.model(&model.full_name)).filter(|before| before.table == model.table);
    before.is_some_and(|before| {
        before.shape().by_storage_name(column).is_some_and(|field| restore::is_never_null(before, field))
    })
}

/// The reference that a step is about.
pub(super) fn find_reference<'a>(target: &'a Catalog, subject: &str) -> Option<(&'a Model, &'a Reference)> {
    target.models.iter().find_map(|model| {
        let mut references = model.references.iter();
        let reference = references.find(|reference| reference_subject(model, reference) == subject)?;
        Some((model.as_ref(), reference))
    })
}

/// Names the operators of an extension by the schema that it is in. Others may have created it elsewhere.
fn find_operators(statement: &mut Ddl, existing: &Existing) {
    if let (Some(DatabaseObject::Index(_)), Some(schema)) = (&statement.creates, existing.trigram_schema()) {
        statement.sql = statement.sql.replace(TRIGRAM_OPERATORS, &format!("{}.gin_trgm_ops", quote(schema)));
    }
}
