//! The method that a call matched. Metrics and logs name only methods that exist, never text that a caller has sent.

use std::borrow::Cow;

/// The method of a call, as an extension of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedMethod {
    /// The gRPC service's full name.
    pub service: Cow<'static, str>,
    /// The name of the method. REST calls have the name of the equivalent gRPC method.
    pub method: Cow<'static, str>,
}

impl MatchedMethod {
    /// Names an existing method.
    pub fn new(service: impl Into<Cow<'static, str>>, method: impl Into<Cow<'static, str>>) -> Self {
        Self { service: service.into(), method: method.into() }
    }
}
