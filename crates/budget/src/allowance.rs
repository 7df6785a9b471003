//! The resources that a request uses up, and how much of each it may use.

use groundplan_error::{Error, Reason};

/// What a request uses up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Bytes of memory for what is decoded, and bytes that are read from PostgreSQL to answer.
    Bytes,
    /// Values that are decoded: list elements, map entries, the values in a `google.protobuf.Struct`, and for each nested
    /// message the fields that it could have. Two bytes on the wire can ask for a kilobyte of memory; this bounds it.
    Values,
    /// Steps of evaluating expressions outside of PostgreSQL: about one for each operator, element and compared byte run.
    Steps,
    /// Rows that are read from PostgreSQL.
    Rows,
}

/// How much of each resource a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub bytes: u64,
    pub values: u64,
    pub steps: u64,
    pub rows: u64,
}

/// What a request may use unless a setting says otherwise.
pub const DEFAULT: Allowance = Allowance { bytes: 64 << 20, values: 1_000_000, steps: 10_000_000, rows: 100_000 };

impl Allowance {
    /// How much of one resource that is.
    pub(crate) fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Bytes => self.bytes,
            Resource::Values => self.values,
            Resource::Steps => self.steps,
            Resource::Rows => self.rows,
        }
    }

    /// The refusal of a request that needs more than it may use.
    #[cold]
    pub(crate) fn exceeded(&self, resource: Resource) -> Error {
        let limit = self.of(resource);
        let message = match resource {
            Resource::Bytes => format!(
                "the request needs more than {limit} bytes of memory; send or ask for fewer records at once, or split \
                 them into several records"
            ),
            Resource::Values => format!(
                "the request has more than {limit} values; send fewer records at once, or split them into several \
                 records (GROUNDPLAN_MAX_VALUES sets the limit)"
            ),
            Resource::Steps => format!(
                "evaluating the request's expressions takes more than {limit} steps; use fewer nested `all` and \
                 `exists`, or shorter lists (GROUNDPLAN_MAX_STEPS sets the limit)"
            ),
            Resource::Rows => format!("the request reads more than {limit} rows; ask for fewer records"),
        };
        Error::new(Reason::BudgetExceeded, message).with("limit", limit.to_string())
    }
}

impl Default for Allowance {
    fn default() -> Self {
        DEFAULT
    }
}
