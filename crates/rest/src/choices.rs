//! One of several names, such as `EXACT`: enums of the suite's own API in queries and bodies.

use crate::wording::refused;
use groundplan_error::Error;
use groundplan_proto::query::v1::{Count, Function};
use groundplan_proto::watch::v1::Start;

/// The names to choose from, and what each means.
pub(crate) struct Choices<T: 'static>(pub(crate) &'static [Choice<T>]);

/// A name, the name that it has in the `.proto`, and what both mean.
pub(crate) type Choice<T> = (&'static str, &'static str, T);

/// How a list counts.
pub(crate) const COUNT: Choices<Count> = Choices(&[
    ("EXACT", "COUNT_EXACT", Count::Exact),
    ("ESTIMATED", "COUNT_ESTIMATED", Count::Estimated),
    ("NONE", "COUNT_UNSPECIFIED", Count::Unspecified),
]);

/// What is computed.
pub(crate) const FUNCTION: Choices<Function> = Choices(&[
    ("COUNT", "FUNCTION_COUNT", Function::Count),
    ("SUM", "FUNCTION_SUM", Function::Sum),
    ("MIN", "FUNCTION_MIN", Function::Min),
    ("MAX", "FUNCTION_MAX", Function::Max),
    ("AVERAGE", "FUNCTION_AVERAGE", Function::Average),
]);

/// Where a watch begins.
pub(crate) const START: Choices<Start> =
    Choices(&[("NOW", "START_NOW", Start::Now), ("INITIAL", "START_INITIAL", Start::Initial)]);

/// Whether a commit is as if it ran alone.
pub(crate) const ISOLATION: Choices<bool> =
    Choices(&[("READ_COMMITTED", "ISOLATION_READ_COMMITTED", false), ("SERIALIZABLE", "ISOLATION_SERIALIZABLE", true)]);

impl<T: Copy> Choices<T> {
    /// What a name means, or a refusal of the field that it stands in.
    pub(crate) fn find(&self, field: &str, text: &str) -> Result<T, Error> {
        let found = self.0.iter().find(|(name, long, _)| text == *name || text == *long);
        found.map(|(_, _, meaning)| *meaning).ok_or_else(|| self.refusal(field))
    }

    /// Says what a field must be.
    pub(crate) fn refusal(&self, field: &str) -> Error {
        let names: Vec<&str> = self.0.iter().map(|(name, ..)| *name).collect();
        refused(field, "enum", format!("must be one of {}", names.join(", ")))
    }

    /// Every name that is understood.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, ..)| *name).chain(self.0.iter().map(|(_, long, _)| *long)).collect()
    }
}
