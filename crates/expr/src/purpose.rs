//! What an expression is for: the language is the same, what it may read and the way out of a mistake are not.

use groundplan_model::shape::FieldId;

/// When a formula gives its field a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormulaKind {
    /// At creation, where there is none.
    Default,
    /// At each write.
    Computed,
}

/// What an expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A condition over stored records. It becomes SQL.
    Filter,
    /// The value of a field of a record that is being written. It never becomes SQL.
    Formula { kind: FormulaKind, field: FieldId },
}

impl Purpose {
    pub(crate) fn is_formula(self) -> bool {
        matches!(self, Self::Formula { .. })
    }

    /// `a filter` or `a formula`.
    pub(crate) fn noun(self) -> &'static str {
        if self.is_formula() { "a formula" } else { "a filter" }
    }

    /// `filters` or `formulas`.
    pub(crate) fn nouns(self) -> &'static str {
        if self.is_formula() { "formulas" } else { "filters" }
    }
}
