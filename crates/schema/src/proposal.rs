//! A proposal: uploaded models, compiled and compared with the live ones.

use crate::error::revision_conflict;
use crate::formulas;
use crate::input::checked_models;
use crate::rules_cache::ValidatedRulesCache;
use crate::service::Schema;
use crate::store::revision_rows::Revision;
use crate::store::revisions;
use crate::store::storage_names::{self, StorageName};
use bytes::Bytes;
use groundplan_budget::Budget;
use groundplan_error::Error;
use groundplan_model::{Catalog, CompileError, Compiled, Compiler, Diagnostic, Input, Plan, StorageNames, catch_panic};
use groundplan_proto::schema::v1;
use std::sync::Arc;

/// A compiled and planned upload.
pub(crate) struct Proposal {
    /// The live revision from which the plan starts; 0 if there is none.
    pub(crate) base: i64,
    /// The full names of the derived services; empty if the models do not compile.
    pub(crate) services: Vec<String>,
    pub(crate) outcome: PlanOutcome,
}

/// Whether an upload can be applied.
pub(crate) enum PlanOutcome {
    /// The models have errors.
    Invalid(Vec<Diagnostic>),
    /// The models are valid, but a step from the live models to them is not supported.
    Unsupported(Vec<Diagnostic>),
    /// The upload can be applied.
    Planned(PlannedRevision),
}

/// A planned revision.
pub(crate) struct PlannedRevision {
    pub(crate) plan: Plan,
    pub(crate) descriptor_set: Bytes,
    /// The new names in the database. `first_revision` is not known yet and 0.
    pub(crate) new_names: Vec<StorageName>,
}

impl Proposal {
    /// Compiles and plans an upload. Returns an error if `base` is neither 0 nor the live revision.
    pub(crate) async fn new(schema: &Schema, models: Option<v1::Models>, base: i64) -> Result<Self, Error> {
        let input = checked_models(models)?;
        let known = schema.query(async |connection| {
            let live = revisions::find_live(connection).await?;
            Ok((live, storage_names::list_all(connection).await?))
        });
        let (live, names) = known.await?;
        let live_number = live.as_ref().map_or(0, |live| live.number);
        if base != 0 && base != live_number {
            return Err(revision_conflict(live_number, &format!("the live revision is {live_number}, not {base}")));
        }
        let rules = Arc::clone(&schema.rules);
        schema
            .compiler_queue
            .run_on_compiler_thread(move |budget| compile_and_plan(live, &names, input, &rules, budget))
            .await
    }
}

/// Compiles and plans. The time depends on the size of the upload.
fn compile_and_plan(
    live: Option<Revision>,
    names: &[StorageName],
    input: Input,
    rules: &ValidatedRulesCache,
    budget: &Budget,
) -> Result<Proposal, Error> {
    let names: StorageNames = names.iter().map(storage_name_entry).collect();
    let base = live.as_ref().map_or(0, |live| live.number);
    let live = live.map(|live| groundplan_model::load(live.number, Bytes::from(live.descriptor_set), &names));
    let live: Option<Catalog> = live.transpose().map_err(Error::internal)?;
    let compiler = Compiler { storage_names: &names, live: live.as_ref(), budget };
    let compiled = match compile_and_check(input, &compiler, rules) {
        Ok(compiled) => compiled,
        Err(CompileError::Stopped(error)) => return Err(error),
        Err(CompileError::Diagnostics(diagnostics)) => {
            return Ok(Proposal { base, services: Vec::new(), outcome: PlanOutcome::Invalid(diagnostics) });
        }
    };
    let services = compiled.catalog.models.iter().map(|model| model.service.clone()).collect();
    let outcome = match groundplan_model::plan(live.as_ref(), &compiled.catalog) {
        Ok(plan) => PlanOutcome::Planned(PlannedRevision {
            plan,
            new_names: new_names(&compiled.storage_names, &names)?,
            descriptor_set: compiled.catalog.descriptor_set,
        }),
        Err(diagnostics) => PlanOutcome::Unsupported(diagnostics),
    };
    Ok(Proposal { base, services, outcome })
}

/// Compiles the models, then checks their rules and formulas, which only valid models have.
fn compile_and_check(
    input: Input,
    compiler: &Compiler<'_>,
    rules: &ValidatedRulesCache,
) -> Result<Compiled, CompileError> {
    let compiled = compiler.compile(input)?;
    compiler.budget.check().map_err(CompileError::Stopped)?;
    let check = || {
        let mut diagnostics = rules.check(&compiled.catalog).err().unwrap_or_default();
        diagnostics.extend(formulas::check(&compiled.catalog));
        diagnostics
    };
    let diagnostics = catch_panic(check).unwrap_or_else(|panicked| vec![panicked]);
    compiler.budget.check().map_err(CompileError::Stopped)?;
    if diagnostics.is_empty() { Ok(compiled) } else { Err(CompileError::Diagnostics(diagnostics)) }
}

fn storage_name_entry(row: &StorageName) -> ((String, u32), String) {
    ((row.message.clone(), row.number.unsigned_abs()), row.name.clone())
}

/// Returns the names that are not known yet.
fn new_names(all: &StorageNames, known: &StorageNames) -> Result<Vec<StorageName>, Error> {
    let unknown = all.iter().filter(|(message, number, _)| known.get(message, *number).is_none());
    let to_row = |(message, number, name): (&str, u32, &str)| {
        let number = i32::try_from(number).map_err(Error::internal)?;
        Ok(StorageName { message: message.to_owned(), number, name: name.to_owned(), first_revision: 0 })
    };
    unknown.map(to_row).collect()
}
