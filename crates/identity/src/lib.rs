//! Who calls, and what the call may use.

mod caller;
mod principal;

pub use caller::Caller;
pub use principal::{Principal, credentials_error};
