//! Two catalogs to the ordered steps from one to the other.

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
    /// None: the models are live already.
    pub steps: Vec<Step>,
    /// What the apply allows, and whoever applies should know.
    pub warnings: Vec<Diagnostic>,
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
    /// What takes it back when the apply fails afterwards, where leaving it would hurt; each statement may be run again.
    pub undo: Vec<Ddl>,
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
    /// Let a field hold nothing but ids of records that are there.
    AddReference,
    /// Change only what is said of a model.
    ChangeDefinition,
}

/// Plans how to get from what is live, if anything is, to something else.
///
/// # Errors
/// Changes that are not supported yet, each named with the step that it would need.
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
    // What is referred to comes before what refers, and what is new before what is said of it; otherwise the models' order
    // stays.
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

/// Everything that a new model needs. Nobody uses its table yet, so its indexes need not be built beside writes.
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
    let kind = match &index.method {
        IndexMethod::Ordered if index.unique => "a unique index".to_owned(),
        IndexMethod::Ordered => "an index".to_owned(),
        IndexMethod::Trigram => "an index of trigrams".to_owned(),
        IndexMethod::Search { language } => format!("an index of words ({language})"),
        IndexMethod::Elements => "an index of elements".to_owned(),
        IndexMethod::Purge => "an index for the purge".to_owned(),
    };
    let reason = if index.reason.is_empty() { String::new() } else { format!(": {}", index.reason) };
    Step {
        kind: StepKind::AddIndex,
        subject: format!("{}.{}", model.table.schema, index.name),
        description: format!("build {kind} of {} on {}{reason}", model.full_name, fields.join(", ")),
        statements: ddl::add_index(model, index, concurrently),
        undo: Vec::new(),
    }
}
