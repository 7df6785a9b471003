//! The authenticated caller of a request, and its budget.

mod caller;
mod principal;

pub use caller::Caller;
pub use principal::{Principal, credentials_error};
