//! Types.

use crate::ir::Expr;
use crate::{ExprError, Scope};

pub(crate) fn filter(_: Scope<'_>, _: &str) -> Result<Expr, ExprError> {
    Err(ExprError::new("not written yet"))
}
