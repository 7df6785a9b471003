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
    /// A rule for a value that is being written. It never becomes SQL.
    Rule,
}

impl Purpose {
    pub(crate) fn is_formula(self) -> bool {
        matches!(self, Self::Formula { .. })
    }

    /// `a filter`, `a formula` or `a rule`.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Filter => "a filter",
            Self::Formula { .. } => "a formula",
            Self::Rule => "a rule",
        }
    }

    /// `filters`, `formulas` or `rules`.
    pub(crate) fn nouns(self) -> &'static str {
        match self {
            Self::Filter => "filters",
            Self::Formula { .. } => "formulas",
            Self::Rule => "rules",
        }
    }
}
