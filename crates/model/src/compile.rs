//! What is handed in, to a catalog or to everything that is wrong with it.

use crate::assemble::assemble;
use crate::catalog::Catalog;
use crate::check;
use crate::code;
use crate::declared;
use crate::derive;
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::guard::guarded;
use crate::input;
use crate::link::{Linked, link};
use crate::source::{Input, SourceFile};
use crate::storage_names::StorageNames;
use crate::types::reachable;
use bytes::Bytes;
use groundplan_budget::Budget;
use groundplan_error::Error;

/// Models that are free of errors.
#[derive(Debug)]
pub struct Compiled {
    /// Of revision 0.
    pub catalog: Catalog,
    /// The names in storage: those that were known, and those of new fields.
    pub storage_names: StorageNames,
    /// The text of the derived services, one file a model.
    pub derived: Vec<SourceFile>,
}

/// Why models are not compiled.
#[derive(Debug)]
pub enum Refusal {
    /// They are wrong: everything at once, in the order of the files.
    Diagnostics(Vec<Diagnostic>),
    /// The caller went away, or it took too long.
    Stopped(Error),
}

/// What models are compiled against.
#[derive(Clone, Copy, Debug)]
pub struct Compiler<'a> {
    /// The names in storage of what was applied before.
    pub storage_names: &'a StorageNames,
    /// The models that are live, whose plurals stay as they are.
    pub live: Option<&'a Catalog>,
    /// Stops the work when the caller leaves, or when its time is over.
    pub budget: &'a Budget,
}

/// Compiles models, for as long as it takes. `known` are the names in storage of what was applied before.
///
/// # Errors
/// Everything that is wrong, all at once, in the order of the files.
pub fn compile(input: Input, known: &StorageNames) -> Result<Compiled, Vec<Diagnostic>> {
    let budget = Budget::default();
    let compiler = Compiler { storage_names: known, live: None, budget: &budget };
    compiler.compile(input).map_err(|refusal| match refusal {
        Refusal::Diagnostics(diagnostics) => diagnostics,
        // Nobody cancels this budget, and it has no deadline.
        Refusal::Stopped(error) => {
            let mut found = Findings::default();
            found.report(Place::default(), code::COMPILER_FAILED, error.to_string(), "try again");
            found.into_sorted()
        }
    })
}

impl Compiler<'_> {
    /// Compiles models.
    ///
    /// # Errors
    /// If they are wrong, or if the budget ends the work.
    pub fn compile(&self, input: Input) -> Result<Compiled, Refusal> {
        match guarded(|| self.run(input)) {
            Ok(outcome) => outcome,
            Err(panicked) => Err(Refusal::Diagnostics(vec![panicked])),
        }
    }

    fn run(&self, input: Input) -> Result<Compiled, Refusal> {
        let mut found = Findings::default();
        match self.steps(input, &mut found).map_err(Refusal::Stopped)? {
            Some(compiled) => Ok(compiled),
            None => Err(Refusal::Diagnostics(found.into_sorted())),
        }
    }

    /// The compiled models, or none if anything is found.
    fn steps(&self, input: Input, found: &mut Findings) -> Result<Option<Compiled>, Error> {
        let read = input::read(input, self.budget, found)?;
        let Linked { mut pool, is_complete } = link(&read, self.budget, found)?;
        if !is_complete {
            return Ok(None);
        }
        let declared = declared::find(&pool, self.live);
        check::check(&check::Subject { pool: &pool, models: &declared, files: &read.parsed }, self.budget, found)?;
        if found.is_empty() && declared.is_empty() {
            let help = "write `option (groundplan.model.v1.model) = {};` in a message, and import \"groundplan/model/v1/model.proto\"";
            found.report(Place::default(), code::NO_MODELS, "no message is a model", help);
        }
        if !found.is_empty() {
            return Ok(None);
        }
        let derived = derive::files(&declared);
        derive::add(&mut pool, &derived, self.budget, found)?;
        if !found.is_empty() {
            return Ok(None);
        }
        self.budget.check()?;
        let mut storage_names = self.storage_names.clone();
        storage_names.extend_by(&reachable(declared.iter().map(|declared| declared.message.clone())));
        let descriptor_set = Bytes::from(pool.encode_to_vec());
        match assemble(0, pool, descriptor_set, &storage_names) {
            Ok(catalog) => Ok(Some(Compiled { catalog, storage_names, derived })),
            Err(error) => {
                let help = "report this as a bug: an earlier check should have found the error";
                found.report(Place::default(), code::COMPILER_FAILED, error.to_string(), help);
                Ok(None)
            }
        }
    }
}
