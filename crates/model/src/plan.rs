//! Plans the ordered steps from one catalog to another.

mod canonical;
mod change;
mod compare;
mod compare_lifetimes;
mod compare_references;
mod definition;
mod leftovers;
mod reference;
mod stricter_rules;
mod type_text;
mod unsupported;

use crate::catalog::{Catalog, Index, IndexMethod, Model};
use crate::ddl::{self, Ddl};
use crate::diagnostic::{Diagnostic, Diagnostics};
pub use leftovers::{Leftover, find_leftovers};
pub use reference::{ColumnState, reference_step, reference_subject};

/// The ordered steps from one revision to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps; empty if the models are live already.
    pub steps: Vec<Step>,
    /// Changes that the apply allows but the caller should know about.
    pub warnings: Vec<Diagnostic>,
}

/// A step of an apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub kind: StepKind,
    /// The full name of the model, field or index that changes.
    pub subject: String,
    /// A description for people.
    pub description: String,
    /// The statements in order, each of which can be repeated; empty for a step that does not change storage.
    pub statements: Vec<Ddl>,
    /// The statements that revert the step if the apply fails later and the step would restrict writes; each can be
    /// repeated.
    pub undo: Vec<Ddl>,
}

/// The kind of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// Serves a new model.
    AddModel,
    /// Serves a new field.
    AddField,
    /// Builds a new index.
    AddIndex,
    /// Restricts a field to ids of existing records.
    AddReference,
    /// Changes only options and comments of a model.
    ChangeDefinition,
}

/// Plans the steps from the live models, if there are any, to `target`.
///
/// # Errors
/// Returns the unsupported changes, each with the name of the step that it would need.
pub fn plan(base: Option<&Catalog>, target: &Catalog) -> Result<Plan, Vec<Diagnostic>> {
    let mut unsupported = Diagnostics::default();
    let mut warnings = Diagnostics::default();
    let mut steps = Vec::new();
    if let Some(base) = base {
        compare::compare_types(base, target, &mut unsupported);
        for model in base.models.iter().filter(|model| target.model(&model.full_name).is_none()) {
            compare::report_dropped_model(model, base, &mut unsupported);
        }
    }
    for model in &target.models {
        match base.and_then(|base| Some((base, base.model(&model.full_name)?))) {
            None => steps.extend(new_model(model, target)),
            Some((base, before)) => {
                compare::compare_models(base, before, model, target, &mut unsupported);
                compare_lifetimes::compare_lifetimes(before, model, target, &mut unsupported);
                compare_references::compare_references(before, model, target, &mut unsupported);
                stricter_rules::warn_of_model(base, before, target, model, &mut warnings);
                steps.extend(change::change_steps(base, before, target, model));
            }
        }
    }
    if !unsupported.is_empty() {
        return Err(unsupported.into_sorted());
    }
    // Referenced models come before references, and new models and fields before changes of options and comments.
    // Otherwise, the order of models is kept.
    steps.sort_by_key(|step| match step.kind {
        StepKind::AddModel | StepKind::AddField | StepKind::AddIndex => 0,
        StepKind::AddReference => 1,
        StepKind::ChangeDefinition => 2,
    });
    if let (Some(base), true) = (base, steps.is_empty()) {
        steps = change::other_file_steps(base, target);
    }
    Ok(Plan { steps, warnings: warnings.into_sorted() })
}

/// Returns the steps of a new model. Its table has no writers yet, so its indexes are not built concurrently.
fn new_model(model: &Model, target: &Catalog) -> Vec<Step> {
    let mut steps = vec![Step {
        kind: StepKind::AddModel,
        subject: model.full_name.clone(),
        description: format!(
            "serve {} as {} and at /api/{}/{}, stored in {}.{}",
            model.full_name, model.service, model.version, model.resource, model.table.schema, model.table.name
        ),
        statements: ddl::add_model(model),
        undo: Vec::new(),
    }];
    steps.extend(model.indexes.iter().map(|index| new_index(model, index, false)));
    let references = model.references.iter();
    steps.extend(references.filter_map(|reference| reference_step(target, model, reference, ColumnState::NewTable)));
    steps
}

/// Returns the step that builds an index.
fn new_index(model: &Model, index: &Index, concurrently: bool) -> Step {
    let fields: Vec<String> = index
        .fields
        .iter()
        .map(|part| {
            let name = &model.shape().field(part.field).name;
            if part.descending { format!("{name} desc") } else { name.clone() }
        })
        .collect();
    let kind = match &index.method {
        IndexMethod::Ordered if index.unique => "a unique index".to_owned(),
        IndexMethod::Ordered => "an index".to_owned(),
        IndexMethod::Trigram => "a trigram index".to_owned(),
        IndexMethod::Search { language } => format!("a text search index ({language})"),
        IndexMethod::Elements => "an element index".to_owned(),
        IndexMethod::Purge => "a purge index".to_owned(),
    };
    let reason = if index.reason.is_empty() { String::new() } else { format!(": {}", index.reason) };
    Step {
        kind: StepKind::AddIndex,
        subject: format!("{}.{}", model.table.schema, index.name),
        description: format!("build {kind} for {} on {}{reason}", model.full_name, fields.join(", ")),
        statements: ddl::add_index(model, index, concurrently),
        undo: Vec::new(),
    }
}
