//! One of several names, such as `EXACT`: enums of the suite's own API in queries and bodies.

use crate::parameter_errors::invalid_parameter;
use groundplan_error::Error;
use groundplan_proto::query::v1::{Count, Function};
use groundplan_proto::watch::v1::Start;

/// The names to choose from, and what each means.
pub(crate) struct EnumParam<T: 'static>(pub(crate) &'static [Choice<T>]);

/// A name, the name that it has in the `.proto`, and what both mean.
pub(crate) type Choice<T> = (&'static str, &'static str, T);

/// How a list counts.
pub(crate) const COUNT: EnumParam<Count> = EnumParam(&[
    ("EXACT", "COUNT_EXACT", Count::Exact),
    ("ESTIMATED", "COUNT_ESTIMATED", Count::Estimated),
    ("NONE", "COUNT_UNSPECIFIED", Count::Unspecified),
]);

/// What is computed.
pub(crate) const FUNCTION: EnumParam<Function> = EnumParam(&[
    ("COUNT", "FUNCTION_COUNT", Function::Count),
    ("SUM", "FUNCTION_SUM", Function::Sum),
    ("MIN", "FUNCTION_MIN", Function::Min),
    ("MAX", "FUNCTION_MAX", Function::Max),
    ("AVERAGE", "FUNCTION_AVERAGE", Function::Average),
]);

/// Where a watch begins.
pub(crate) const START: EnumParam<Start> =
    EnumParam(&[("NOW", "START_NOW", Start::Now), ("INITIAL", "START_INITIAL", Start::Initial)]);

/// Whether a commit is as if it ran alone.
pub(crate) const ISOLATION: EnumParam<bool> = EnumParam(&[
    ("READ_COMMITTED", "ISOLATION_READ_COMMITTED", false),
    ("SERIALIZABLE", "ISOLATION_SERIALIZABLE", true),
]);

impl<T: Copy> EnumParam<T> {
    /// What a name means, or a refusal of the field that it stands in.
    pub(crate) fn parse(&self, field: &str, text: &str) -> Result<T, Error> {
        let found = self.0.iter().find(|(name, long, _)| text == *name || text == *long);
        found.map(|(_, _, meaning)| *meaning).ok_or_else(|| self.error(field))
    }

    /// Says what a field must be.
    pub(crate) fn error(&self, field: &str) -> Error {
        let names: Vec<&str> = self.0.iter().map(|(name, ..)| *name).collect();
        invalid_parameter(field, "enum", format!("must be one of {}", names.join(", ")))
    }

    /// Every name that is understood.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, ..)| *name).chain(self.0.iter().map(|(_, long, _)| *long)).collect()
    }
}
