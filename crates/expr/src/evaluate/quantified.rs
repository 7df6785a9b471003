//! `exists`, `all` and `exists_one`.

use super::{EvaluationError, Evaluator, Variables, chain};
use crate::ir::{Expr, Field, Quantifier};

impl Evaluator<'_> {
    pub(super) fn quantified<'e>(
        &'e self,
        quantifier: Quantifier,
        list: &'e Field,
        condition: &'e Expr,
        variables: Variables<'_, 'e>,
    ) -> Result<bool, EvaluationError> {
        let mut inner = variables.to_vec();
        let mut truths = self.elements(list, variables)?.map(|element| {
            self.charge(1)?;
            inner.truncate(variables.len());
            inner.push(element);
            self.truth(condition, &inner)
        });
        match quantifier {
            Quantifier::Exists => chain(truths, true),
            Quantifier::All => chain(truths, false),
            Quantifier::ExistsOne => {
                let count = truths.try_fold(0_u64, |count, truth| truth.map(|truth| count + u64::from(truth)))?;
                Ok(count == 1)
            }
        }
    }
}
