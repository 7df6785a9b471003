//! Which method a call was of, as far as it is one of ours: metrics and logs name nothing that a caller has made up.

use std::borrow::Cow;

/// Travels in a response's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The gRPC service's full name.
    pub service: Cow<'static, str>,
    /// The method's name. REST has that of the gRPC method that does the same.
    pub method: Cow<'static, str>,
}

impl Called {
    /// A method that exists.
    pub fn new(service: impl Into<Cow<'static, str>>, method: impl Into<Cow<'static, str>>) -> Self {
        Self { service: service.into(), method: method.into() }
    }
}

/// The code of a refusal over REST, where no header says it. Travels in a response's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedWith(pub tonic::Code);
