//! `order_by`.

use crate::{ExprError, OrderKey, Scope};

pub(crate) fn parse(_: Scope<'_>, _: &str) -> Result<Vec<OrderKey>, ExprError> {
    Err(ExprError::new("not written yet"))
}

pub(crate) fn value(_: Scope<'_>, _: &str) -> Result<OrderKey, ExprError> {
    Err(ExprError::new("not written yet"))
}
