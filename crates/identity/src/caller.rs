//! Who calls, with what the call may use.

use crate::Principal;
use groundplan_budget::Budget;
use groundplan_error::Error;
use http::Extensions;

/// The caller of a request, and the budget that everything shares that is done for it.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    pub budget: Budget,
}

impl Caller {
    /// Takes the caller and the budget out of the request that these extensions belong to. A request within this process has
    /// passed no layer that makes a budget, and gets the default one.
    ///
    /// # Errors
    /// `CREDENTIALS_INVALID` if the request has come past the check of credentials.
    pub fn take(extensions: &mut Extensions) -> Result<Self, Error> {
        let budget = extensions.remove().unwrap_or_default();
        Ok(Self { principal: Principal::take(extensions)?, budget })
    }
}

impl From<Principal> for Caller {
    /// The service's own work for a principal, with the default budget.
    fn from(principal: Principal) -> Self {
        Self { principal, budget: Budget::default() }
    }
}
