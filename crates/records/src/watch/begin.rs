//! Where a watch starts.

use groundplan_error::Error;
use groundplan_proto::watch::v1::Start;

/// Where a watch starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With the changes that are committed after the call.
    Now,
    /// With all matching records.
    Initial { allow_scan: bool },
    /// After the event with this token.
    After(String),
}

impl Begin {
    pub(crate) fn is_token(&self) -> bool {
        matches!(self, Self::After(_))
    }

    /// Reads where the watch of a request starts.
    pub(crate) fn of(start: Start, token: &str, allow_scan: bool) -> Result<Self, Error> {
        match (start, token) {
            (Start::Unspecified, token) if !token.is_empty() => Ok(Self::After(token.to_owned())),
            (_, token) if !token.is_empty() => {
                Err(Error::field("start", "start.token", "must be left out with a token, which sets the start"))
            }
            (Start::Initial, _) => Ok(Self::Initial { allow_scan }),
            (Start::Now | Start::Unspecified, _) => Ok(Self::Now),
        }
    }
}
