//! The resources that a request consumes, and the limit for each.

use groundplan_error::{Error, Reason};

/// A resource that a request consumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Bytes of memory for decoded values, and bytes read from PostgreSQL for the response.
    Bytes,
    /// Decoded values: list elements, map entries, the values in a `google.protobuf.Struct`, and all possible fields of each
    /// nested message. Two bytes on the wire can require a kilobyte of memory; this limit bounds it.
    Values,
    /// Steps of evaluating expressions outside PostgreSQL: about one per operator, element and compared byte run.
    Steps,
    /// Rows read from PostgreSQL.
    Rows,
}

/// The limit of a request for each resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub bytes: u64,
    pub values: u64,
    pub steps: u64,
    pub rows: u64,
}

/// The default limits of a request.
pub const DEFAULT: Allowance = Allowance { bytes: 64 << 20, values: 1_000_000, steps: 10_000_000, rows: 100_000 };

impl Allowance {
    /// Returns the limit for one resource.
    pub(crate) fn limit(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Bytes => self.bytes,
            Resource::Values => self.values,
            Resource::Steps => self.steps,
            Resource::Rows => self.rows,
        }
    }

    /// Returns the error for a request that exceeds its limit.
    #[cold]
    pub(crate) fn exceeded(&self, resource: Resource) -> Error {
        let limit = self.limit(resource);
        let message = match resource {
            Resource::Bytes => format!(
                "the request needs more than {limit} bytes of memory; send or request fewer records at a time, or split \
                 them into several records"
            ),
            Resource::Values => format!(
                "the request has more than {limit} values; send fewer records at a time, or split them into several \
                 records (GROUNDPLAN_MAX_VALUES sets the limit)"
            ),
            Resource::Steps => format!(
                "evaluating the request's expressions takes more than {limit} steps; use fewer nested `all` and \
                 `exists`, or shorter lists (GROUNDPLAN_MAX_STEPS sets the limit)"
            ),
            Resource::Rows => format!("the request reads more than {limit} rows; request fewer records"),
        };
        Error::new(Reason::BudgetExceeded, message).with("limit", limit.to_string())
    }
}

impl Default for Allowance {
    fn default() -> Self {
        DEFAULT
    }
}
