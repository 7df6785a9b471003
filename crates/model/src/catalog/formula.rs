//! Source locations of default and computed expressions.

use super::{Catalog, Formula, Model};
use crate::diagnostic::{Diagnostic, SourceLocation};
use crate::options::{FormulaKind, formula_location};

impl Catalog {
    /// Creates a diagnostic about one of a model's [`defaults`](Model::defaults) or [`computed`](Model::computed)
    /// fields, at the location of its option.
    pub fn formula_diagnostic(
        &self,
        model: &Model,
        formula: &Formula,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        // A field never has both.
        let is_computed = model.computed.iter().any(|computed| computed.field == formula.field);
        let kind = if is_computed { FormulaKind::Computed } else { FormulaKind::Default };
        let descriptor = self.pool.get_message_by_name(&model.full_name);
        let field = descriptor.and_then(|message| message.get_field(model.shape().field(formula.field).number));
        let SourceLocation { file, line, column } =
            field.map(|field| formula_location(&field, kind)).unwrap_or_default();
        Diagnostic { file, line, column, code, message: message.into(), help: help.into() }
    }
}
