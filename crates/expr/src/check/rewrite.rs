//! Checks transformations of texts, which only formulas have.

use super::{Checker, Typed};
use crate::ExprError;
use crate::ir::{Expr, Rewrite, Type};
use crate::parse::{Node, Span};

impl Checker<'_> {
    /// Checks `text.lowerAscii()` and similar calls.
    pub(super) fn rewrite(
        &mut self,
        rewrite: Rewrite,
        (name, span): (&str, Span),
        text: &Node,
    ) -> Result<Typed, ExprError> {
        if !self.purpose.is_formula() {
            let help = "compare with a regular expression, as in `matches(r\"^[Aa]bc$\")`";
            return Err(self.error(span, format!("`{name}` is for formulas of models: {help}")));
        }
        let text = Box::new(self.text(text, name)?);
        Ok(Typed::new(Expr::Rewrite { rewrite, text }, Type::String))
    }
}
