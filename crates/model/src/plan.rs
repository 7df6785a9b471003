//! Two catalogs to the ordered steps from one to the other.

mod canonical;
mod change;
mod compare;
mod definition;

use crate::catalog::{Catalog, Index, Model, Table};
use crate::ddl;
use crate::diagnostic::{Diagnostic, Findings};

/// The ordered steps from one revision to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// None: the models are live already.
    pub steps: Vec<Step>,
}

/// One thing that an apply does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub kind: StepKind,
    /// What it is about: a model, a field or an index.
    pub subject: String,
    /// A sentence for people.
    pub description: String,
    /// What is run, in order; each statement may be run again. Empty for a step that changes no storage.
    pub statements: Vec<Ddl>,
}

/// What kind of thing a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// Serve a new model.
    AddModel,
    /// Serve a new field.
    AddField,
    /// Build a new index.
    AddIndex,
    /// Change only what is said of a model.
    ChangeDefinition,
}

/// A statement that changes storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ddl {
    /// Identifiers are quoted; there is nothing to bind.
    pub sql: String,
    /// It must run outside of a transaction. If it fails, it may leave an invalid `index` behind, to be dropped.
    pub concurrently: bool,
    /// The table that it changes.
    pub table: Table,
    /// The index that it builds.
    pub index: Option<String>,
}

/// Plans how to get from what is live, if anything is, to something else.
///
/// # Errors
/// Changes that are not supported yet, each named with the step that it would need.
pub fn plan(base: Option<&Catalog>, target: &Catalog) -> Result<Plan, Vec<Diagnostic>> {
    let mut refused = Findings::default();
    let mut steps = Vec::new();
    if let Some(base) = base {
        compare::types(base, target, &mut refused);
        for model in base.models.iter().filter(|model| target.model(&model.full_name).is_none()) {
            compare::dropped_model(model, base, &mut refused);
        }
    }
    for model in &target.models {
        match base.and_then(|base| Some((base, base.model(&model.full_name)?))) {
            None => steps.extend(new_model(model)),
            Some((base, before)) => {
                compare::models(before, model, target, &mut refused);
                steps.extend(change::steps(base, before, target, model));
            }
        }
    }
    if !refused.is_empty() {
        return Err(refused.into_sorted());
    }
    // What is new comes before what is said of it; otherwise the models' order stays.
    steps.sort_by_key(|step| step.kind == StepKind::ChangeDefinition);
    if let (Some(base), true) = (base, steps.is_empty()) {
        steps = change::other_files(base, target);
    }
    Ok(Plan { steps })
}

/// Everything that a new model needs. Nobody uses its table yet, so its indexes need not be built beside writes.
fn new_model(model: &Model) -> Vec<Step> {
    let mut steps = vec![Step {
        kind: StepKind::AddModel,
        subject: model.full_name.clone(),
        description: format!(
            "serve {} as {} and at /api/{}/{}, stored in {}.{}",
            model.full_name, model.service, model.version, model.resource, model.table.schema, model.table.name
        ),
        statements: ddl::add_model(model),
    }];
    steps.extend(model.indexes.iter().map(|index| new_index(model, index, false)));
    steps
}

/// The step that builds an index.
fn new_index(model: &Model, index: &Index, concurrently: bool) -> Step {
    let fields: Vec<String> = index
        .fields
        .iter()
        .map(|part| {
            let name = &model.shape().field(part.field).name;
            if part.descending { format!("{name} desc") } else { name.clone() }
        })
        .collect();
    let article = if index.unique { "a unique" } else { "an" };
    let reason = if index.reason.is_empty() { String::new() } else { format!(": {}", index.reason) };
    Step {
        kind: StepKind::AddIndex,
        subject: format!("{}.{}", model.table.schema, index.name),
        description: format!("build {article} index of {} on {}{reason}", model.full_name, fields.join(", ")),
        statements: ddl::add_index(model, index, concurrently),
    }
}
