//! Who calls.

use groundplan_error::{Error, Reason};
use http::Extensions;

/// The caller, put into a request's extensions once its credentials are known to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name, such as `root`.
    pub name: String,
    /// The tenant whose records it works on.
    pub tenant: String,
}

impl Principal {
    /// The holder of the `API_KEY`, and our own services within one process.
    pub fn root() -> Self {
        Self { name: "root".to_owned(), tenant: "default".to_owned() }
    }

    /// The caller of the request that these extensions belong to. A call without one has come past the check of
    /// credentials, and is refused like one that sent none.
    pub fn from_extensions(extensions: &Extensions) -> Result<&Self, Error> {
        extensions.get().ok_or_else(missing)
    }

    /// Takes the caller out of the request that these extensions belong to, for a handler that needs it for itself.
    pub fn take(extensions: &mut Extensions) -> Result<Self, Error> {
        extensions.remove().ok_or_else(missing)
    }
}

fn missing() -> Error {
    credentials_error("no credentials were sent")
}

/// The error for credentials that are missing or wrong: `what` is wrong, and what to send.
pub fn credentials_error(what: &str) -> Error {
    Error::new(Reason::CredentialsInvalid, format!("{what}; send one header `authorization: Bearer <API_KEY>`"))
}
