//! One call of a derived method, from its path to its response.

use super::unknown;
use crate::call::Call;
use crate::served::Served;
use crate::state::Records;
use crate::table::Table;
use groundplan_error::Error;
use groundplan_identity::Caller;
use groundplan_model::catalog::{MethodKind, Model};
use std::sync::{Arc, OnceLock};

/// A call of a method that exists, by a known caller.
pub(super) struct ActiveCall {
    pub(super) records: Records,
    pub(super) caller: Caller,
    /// The revision at the start of the call. Later revisions do not affect the call.
    pub(super) served: Arc<Served>,
    pub(super) table: Arc<Table>,
    pub(super) kind: MethodKind,
    /// The service's error, which has more details than a status.
    pub(super) failure: OnceLock<Error>,
}

impl ActiveCall {
    pub(super) fn new(records: &Records, served: &Arc<Served>, caller: Caller, path: &str) -> Result<Self, Error> {
        let method = served.catalog.method(path).ok_or_else(|| unknown::method(&served.catalog, path))?;
        let table = served.table(&method.model);
        let table = table.ok_or_else(|| Error::internal("a served model has no statements"))?.clone();
        let (records, served) = (records.clone(), served.clone());
        Ok(Self { records, caller, served, table, kind: method.kind, failure: OnceLock::new() })
    }

    /// Stores the service's error, and returns its status.
    pub(super) fn fail(&self, error: Error) -> tonic::Status {
        let status = error.to_status();
        // The service is called once, so nothing else sets it.
        let _ = self.failure.set(error);
        status
    }

    /// Returns the call for operations.
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            records: &self.records,
            principal: &self.caller.principal,
            budget: self.caller.budget.clone(),
            served: self.served.clone(),
            table: self.table.clone(),
        }
    }

    pub(super) fn model(&self) -> &Arc<Model> {
        &self.table.model
    }
}
