//! How a watch begins.

use groundplan_error::Error;
use groundplan_proto::watch::v1::Start;

/// How a watch begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With what is committed after the call.
    Now,
    /// With all records that match.
    Initial { allow_scan: bool },
    /// After the event that had this token.
    After(String),
}

impl Begin {
    pub(crate) fn is_token(&self) -> bool {
        matches!(self, Self::After(_))
    }

    /// Reads how a request wants to begin.
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
