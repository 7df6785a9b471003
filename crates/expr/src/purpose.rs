//! The purpose of an expression. The language is the same; the readable fields and the help in errors differ.

use groundplan_model::shape::FieldId;

/// When a formula provides the value of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormulaKind {
    /// At creation, if the field is not set.
    Default,
    /// At each write.
    Computed,
}

/// The purpose of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A condition over stored records. It becomes SQL.
    Filter,
    /// The value of a field of a written record. It is never compiled to SQL.
    Formula { kind: FormulaKind, field: FieldId },
    /// A rule for a written value. It is never compiled to SQL.
    Rule,
}

impl Purpose {
    pub(crate) fn is_formula(self) -> bool {
        matches!(self, Self::Formula { .. })
    }

    /// Returns `a filter`, `a formula` or `a rule`.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Filter => "a filter",
            Self::Formula { .. } => "a formula",
            Self::Rule => "a rule",
        }
    }

    /// Returns `filters`, `formulas` or `rules`.
    pub(crate) fn nouns(self) -> &'static str {
        match self {
            Self::Filter => "filters",
            Self::Formula { .. } => "formulas",
            Self::Rule => "rules",
        }
    }
}
