//! The authenticated caller.

use groundplan_error::{Error, Reason};
use http::Extensions;

/// The authenticated caller, an extension of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name, such as `root`.
    pub name: String,
    /// The tenant of its records.
    pub tenant: String,
}

impl Principal {
    /// Returns the holder of the `API_KEY`, which is also the caller between services of one process.
    pub fn root() -> Self {
        Self { name: "root".to_owned(), tenant: "default".to_owned() }
    }

    /// Returns the caller of a request. A request without one has bypassed authentication, and is rejected like one without
    /// credentials.
    pub fn from_extensions(extensions: &Extensions) -> Result<&Self, Error> {
        extensions.get().ok_or_else(missing)
    }

    /// Takes the caller out of a request's extensions.
    pub fn take(extensions: &mut Extensions) -> Result<Self, Error> {
        extensions.remove().ok_or_else(missing)
    }
}

fn missing() -> Error {
    credentials_error("no credentials were sent")
}

/// Creates an error about credentials, with the header to send.
pub fn credentials_error(what: &str) -> Error {
    Error::new(Reason::CredentialsInvalid, format!("{what}; send one header `authorization: Bearer <API_KEY>`"))
}
