//! Plans the steps that change a served model.

use super::definition::{self, Definition};
use super::{ColumnState, Step, StepKind, canonical, new_index, reference_step};
use crate::catalog::{Catalog, Model, Reference};
use crate::ddl::{self, Ddl};
use crate::shape::Cardinality;
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of changed aspects that a description lists.
const MAX_NAMED: usize = 5;

/// Returns the steps from one version of a model to another.
pub(super) fn change_steps(base: &Catalog, before: &Model, target: &Catalog, after: &Model) -> Vec<Step> {
    let mut steps = Vec::new();
    for (id, field) in after.shape().iter() {
        if before.shape().by_number(field.number).is_none() {
            steps.push(Step {
                kind: StepKind::AddField,
                subject: format!("{}.{}", after.full_name, field.name),
                description: format!("add the field {} to {}", field.name, after.full_name),
                statements: ddl::add_field(after, id),
                undo: Vec::new(),
            });
        }
    }
    for index in &after.indexes {
        if before.indexes.iter().all(|old| old.name != index.name) {
            steps.push(new_index(after, index, true));
        }
    }
    steps.extend(new_references(before, target, after));
    steps.extend(definition_step(base, before, target, after));
    steps
}

/// Returns the steps for references of new fields and of existing fields that had none.
fn new_references(before: &Model, target: &Catalog, after: &Model) -> Vec<Step> {
    let step = |reference: &Reference| {
        let field = after.shape().field(reference.field);
        let column = match before.shape().by_number(field.number) {
            None => ColumnState::IdsOnly,
            Some(old) if before.reference(old).is_some() => return None,
            Some(old) => {
                ColumnState::Texts { never_null: before.shape().field(old).cardinality == Cardinality::Implicit }
            }
        };
        reference_step(target, after, reference, column)
    };
    after.references.iter().filter_map(step).collect()
}

/// Returns the fields whose inverse relations got a name.
fn new_inverses<'a>(before: &Model, after: &'a Model) -> Vec<&'a str> {
    let is_new = |reference: &&Reference| {
        let old = before.shape().by_number(after.shape().field(reference.field).number);
        let old = old.and_then(|old| before.reference(old));
        old.is_some_and(|old| old.inverse.is_none()) && reference.inverse.is_some()
    };
    let new = after.references.iter().filter(is_new);
    new.map(|reference| after.shape().field(reference.field).name.as_str()).collect()
}

/// Returns the step that changes options and comments of a model, if they change.
fn definition_step(base: &Catalog, before: &Model, target: &Catalog, after: &Model) -> Option<Step> {
    let known = |number: u32| before.shape().by_number(number).is_some();
    let old = definition::describe_model(&base.pool, &before.full_name, known);
    let new = definition::describe_model(&target.pool, &after.full_name, known);
    let mut changed = differences(&old, &new);
    changed.extend(new_inverses(before, after).into_iter().map(|field| format!("{field} inverse")));
    let mut statements = comment_statements(before, after);
    for index in &after.indexes {
        let old = before.indexes.iter().find(|old| old.name == index.name);
        if old.is_some_and(|old| old.reason != index.reason) {
            changed.push(format!("reason of index {}", index.name));
            statements.push(ddl::comment_on_index(after, index));
        }
    }
    if changed.is_empty() && statements.is_empty() {
        return None;
    }
    Some(Step {
        kind: StepKind::ChangeDefinition,
        subject: after.full_name.clone(),
        description: format!("change options or comments of {}: {}", after.full_name, list_aspects(&changed)),
        statements,
        undo: Vec::new(),
    })
}

/// Returns the statements that update comments in PostgreSQL.
fn comment_statements(before: &Model, after: &Model) -> Vec<Ddl> {
    let mut statements = Vec::new();
    if before.comment != after.comment {
        statements.push(ddl::in_shared_transaction(after, ddl::comment_on_table(after)));
    }
    for (id, field) in after.columns() {
        let old = before.shape().by_number(field.number).map(|id| before.shape().field(id));
        if old.is_some_and(|old| old.comment != field.comment) {
            statements.push(ddl::in_shared_transaction(after, ddl::comment_on_column(after, id)));
        }
    }
    statements
}

fn differences(old: &Definition, new: &Definition) -> Vec<String> {
    let aspects: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    aspects.into_iter().filter(|aspect| old.get(*aspect) != new.get(*aspect)).cloned().collect()
}

fn list_aspects(changed: &[String]) -> String {
    let named: Vec<&str> = changed.iter().take(MAX_NAMED).map(String::as_str).collect();
    match changed.len().checked_sub(MAX_NAMED) {
        Some(more @ 1..) => format!("{} and {more} more", named.join(", ")),
        _ => named.join(", "),
    }
}

/// Returns steps for files that differ although their models do not: comments between messages, file options, services,
/// other messages.
pub(super) fn other_file_steps(base: &Catalog, target: &Catalog) -> Vec<Step> {
    let (old, new) = (file_texts(base), file_texts(target));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| Step {
            kind: StepKind::ChangeDefinition,
            subject: path.clone(),
            description: format!("change parts of {path} outside of its models"),
            statements: Vec::new(),
            undo: Vec::new(),
        })
        .collect()
}

fn file_texts(catalog: &Catalog) -> BTreeMap<String, String> {
    catalog.pool.files().map(|file| (file.name().to_owned(), canonical::file_text(&catalog.pool, &file))).collect()
}
