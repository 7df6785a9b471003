//! Compiles an upload to a catalog, or to its diagnostics.

use crate::assemble::assemble;
use crate::catalog::Catalog;
use crate::catch_panic::catch_panic;
use crate::check;
use crate::code;
use crate::declared;
use crate::derive;
use crate::diagnostic::{Diagnostic, Diagnostics, SourceLocation};
use crate::input;
use crate::link::{Linked, link};
use crate::source::{Input, SourceFile};
use crate::storage_names::StorageNames;
use crate::types::reachable;
use bytes::Bytes;
use groundplan_budget::Budget;
use groundplan_error::Error;

/// Models without errors.
#[derive(Debug)]
pub struct Compiled {
    /// The catalog, with revision 0.
    pub catalog: Catalog,
    /// The names in the database: the known ones, and those of new fields.
    pub storage_names: StorageNames,
    /// The derived services as `.proto` files, one per model.
    pub derived: Vec<SourceFile>,
}

/// The reason why models do not compile.
#[derive(Debug)]
pub enum CompileError {
    /// The models have errors. All of them are listed, sorted by file.
    Diagnostics(Vec<Diagnostic>),
    /// The caller canceled the request, or the time limit passed.
    Stopped(Error),
}

/// The state against which models are compiled.
#[derive(Clone, Copy, Debug)]
pub struct Compiler<'a> {
    /// The names in the database from earlier applies.
    pub storage_names: &'a StorageNames,
    /// The live models, whose plurals stay the same.
    pub live: Option<&'a Catalog>,
    /// Stops the work when the caller cancels or the time limit passes.
    pub budget: &'a Budget,
}

/// Compiles models without a time limit. `known` are the names in the database from earlier applies.
///
/// # Errors
/// Returns all diagnostics, sorted by file.
pub fn compile(input: Input, known: &StorageNames) -> Result<Compiled, Vec<Diagnostic>> {
    let budget = Budget::default();
    let compiler = Compiler { storage_names: known, live: None, budget: &budget };
    compiler.compile(input).map_err(|refusal| match refusal {
        CompileError::Diagnostics(diagnostics) => diagnostics,
        // This budget is never canceled and has no deadline.
        CompileError::Stopped(error) => {
            let mut diagnostics = Diagnostics::default();
            diagnostics.report(SourceLocation::default(), code::COMPILER_FAILED, error.to_string(), "try again");
            diagnostics.into_sorted()
        }
    })
}

impl Compiler<'_> {
    /// Compiles models.
    ///
    /// # Errors
    /// Returns the diagnostics of the models, or the error of an exhausted budget.
    pub fn compile(&self, input: Input) -> Result<Compiled, CompileError> {
        match catch_panic(|| self.compile_or_report(input)) {
            Ok(outcome) => outcome,
            Err(panicked) => Err(CompileError::Diagnostics(vec![panicked])),
        }
    }

    fn compile_or_report(&self, input: Input) -> Result<Compiled, CompileError> {
        let mut diagnostics = Diagnostics::default();
        match self.run_stages(input, &mut diagnostics).map_err(CompileError::Stopped)? {
            Some(compiled) => Ok(compiled),
            None => Err(CompileError::Diagnostics(diagnostics.into_sorted())),
        }
    }

    /// Returns the compiled models, or `None` if there are diagnostics.
    fn run_stages(&self, input: Input, diagnostics: &mut Diagnostics) -> Result<Option<Compiled>, Error> {
        let parsed = input::parse(input, self.budget, diagnostics)?;
        let Linked { mut pool, is_complete } = link(&parsed, self.budget, diagnostics)?;
        if !is_complete {
            return Ok(None);
        }
        let declared = declared::find_models(&pool, self.live);
        check::check(
            &check::CheckedModels { pool: &pool, models: &declared, files: &parsed.files },
            self.budget,
            diagnostics,
        )?;
        if diagnostics.is_empty() && declared.is_empty() {
            let help = "write `option (groundplan.model.v1.model) = {};` in a message, and import \"groundplan/model/v1/model.proto\"";
            diagnostics.report(SourceLocation::default(), code::NO_MODELS, "no message is a model", help);
        }
        if !diagnostics.is_empty() {
            return Ok(None);
        }
        let derived = derive::derive_files(&declared);
        derive::add_files(&mut pool, &derived, self.budget, diagnostics)?;
        if !diagnostics.is_empty() {
            return Ok(None);
        }
        self.budget.check()?;
        let mut storage_names = self.storage_names.clone();
        storage_names.add_missing(&reachable(declared.iter().map(|declared| declared.message.clone())));
        let descriptor_set = Bytes::from(pool.encode_to_vec());
        match assemble(0, pool, descriptor_set, &storage_names) {
            Ok(catalog) => Ok(Some(Compiled { catalog, storage_names, derived })),
            Err(error) => {
                let help = "report this as a bug; an earlier check should have detected it";
                diagnostics.report(SourceLocation::default(), code::COMPILER_FAILED, error.to_string(), help);
                Ok(None)
            }
        }
    }
}
