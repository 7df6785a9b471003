//! A caller and its budget.

use crate::Principal;
use groundplan_budget::Budget;
use groundplan_error::Error;
use http::Extensions;

/// The caller of a request, and the budget that all work for the request shares.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    pub budget: Budget,
}

impl Caller {
    /// Takes the caller and the budget out of a request's extensions. A request within this process has passed no layer that
    /// creates a budget, and gets the default one.
    ///
    /// # Errors
    /// `CREDENTIALS_INVALID` if the request has bypassed authentication.
    pub fn take(extensions: &mut Extensions) -> Result<Self, Error> {
        let budget = extensions.remove().unwrap_or_default();
        Ok(Self { principal: Principal::take(extensions)?, budget })
    }
}

impl From<Principal> for Caller {
    /// Creates a caller for internal work, with the default budget.
    fn from(principal: Principal) -> Self {
        Self { principal, budget: Budget::default() }
    }
}
