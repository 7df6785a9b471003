//! The method that a call matched. Metrics and logs name only methods that exist, never text that a caller has sent.

use std::borrow::Cow;

/// Travels in a response's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedMethod {
    /// The gRPC service's full name.
    pub service: Cow<'static, str>,
    /// The method's name. REST has that of the gRPC method that does the same.
    pub method: Cow<'static, str>,
}

impl MatchedMethod {
    /// A method that exists.
    pub fn new(service: impl Into<Cow<'static, str>>, method: impl Into<Cow<'static, str>>) -> Self {
        Self { service: service.into(), method: method.into() }
    }
}
