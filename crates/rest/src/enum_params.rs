//! Enums of the suite's API in queries and bodies, such as `EXACT`.

use crate::parameter_errors::invalid_parameter;
use groundplan_error::Error;
use groundplan_proto::query::v1::{Count, Function};
use groundplan_proto::watch::v1::Start;

/// The names of an enum with their values.
pub(crate) struct EnumParam<T: 'static>(pub(crate) &'static [Choice<T>]);

/// The short name, the name in the `.proto`, and the value of both.
pub(crate) type Choice<T> = (&'static str, &'static str, T);

/// How a list counts records.
pub(crate) const COUNT: EnumParam<Count> = EnumParam(&[
    ("EXACT", "COUNT_EXACT", Count::Exact),
    ("ESTIMATED", "COUNT_ESTIMATED", Count::Estimated),
    ("NONE", "COUNT_UNSPECIFIED", Count::Unspecified),
]);

/// What an aggregation computes.
pub(crate) const FUNCTION: EnumParam<Function> = EnumParam(&[
    ("COUNT", "FUNCTION_COUNT", Function::Count),
    ("SUM", "FUNCTION_SUM", Function::Sum),
    ("MIN", "FUNCTION_MIN", Function::Min),
    ("MAX", "FUNCTION_MAX", Function::Max),
    ("AVERAGE", "FUNCTION_AVERAGE", Function::Average),
]);

/// Where a watch starts.
pub(crate) const START: EnumParam<Start> =
    EnumParam(&[("NOW", "START_NOW", Start::Now), ("INITIAL", "START_INITIAL", Start::Initial)]);

/// Whether a commit is serializable.
pub(crate) const ISOLATION: EnumParam<bool> = EnumParam(&[
    ("READ_COMMITTED", "ISOLATION_READ_COMMITTED", false),
    ("SERIALIZABLE", "ISOLATION_SERIALIZABLE", true),
]);

impl<T: Copy> EnumParam<T> {
    /// Returns the value of a name, or the error for the field.
    pub(crate) fn parse(&self, field: &str, text: &str) -> Result<T, Error> {
        let choice = self.0.iter().find(|(name, long, _)| text == *name || text == *long);
        choice.map(|(_, _, meaning)| *meaning).ok_or_else(|| self.error(field))
    }

    /// The error that lists the names.
    pub(crate) fn error(&self, field: &str) -> Error {
        let names: Vec<&str> = self.0.iter().map(|(name, ..)| *name).collect();
        invalid_parameter(field, "enum", format!("must be one of {}", names.join(", ")))
    }

    /// All accepted names.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, ..)| *name).chain(self.0.iter().map(|(_, long, _)| *long)).collect()
    }
}
