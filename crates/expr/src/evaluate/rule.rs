//! Evaluates expressions that only rules have.

mod format;
mod functions;

use super::list::List;
use super::{Datum, EvaluationError, EvaluationFailure, Evaluator, Variables, chain};
use crate::ir::{Absent, Expr, Macro, RuleExpr};

/// The cost of an element of a computed list, which stays allocated until the evaluation finishes.
const ELEMENT: u64 = 8;

impl Evaluator<'_> {
    pub(super) fn rule<'e>(
        &'e self,
        rule: &'e RuleExpr,
        variables: Variables<'_, 'e>,
    ) -> Result<Datum<'e>, EvaluationError> {
        Ok(match rule {
            RuleExpr::Variable(level) => variables.get(*level).cloned().ok_or(EvaluationFailure::Absent)?,
            RuleExpr::Member { message, field, ty, absent } => {
                let Datum::Message(record) = self.value(message, variables)? else {
                    return Err(EvaluationFailure::Null.into());
                };
                match (record.and_then(|record| record.get(*field)), absent) {
                    (Some(value), _) => Datum::from_element(value, ty),
                    (None, Absent::Null) => Datum::Null,
                    (None, _) => Datum::zero(ty).ok_or(EvaluationFailure::Absent)?,
                }
            }
            RuleExpr::HasMember { message, field } => {
                let Datum::Message(record) = self.value(message, variables)? else {
                    return Err(EvaluationFailure::Null.into());
                };
                Datum::Bool(record.is_some_and(|record| record.get(*field).is_some()))
            }
            RuleExpr::List(elements) => {
                self.charge(ELEMENT * elements.len() as u64)?;
                let elements = elements.iter().map(|element| self.value(element, variables));
                Datum::List(List::Computed(elements.collect::<Result<_, EvaluationError>>()?))
            }
            RuleExpr::Index { collection, index } => {
                let (collection, index) = (self.value(collection, variables)?, self.value(index, variables)?);
                self.index(&collection, &index)?
            }
            RuleExpr::Contains { value, collection } => {
                let (value, collection) = (self.value(value, variables)?, self.value(collection, variables)?);
                Datum::Bool(self.collection_contains(&value, &collection)?)
            }
            RuleExpr::Macro { kind, range, condition, body } => {
                let range = self.value(range, variables)?;
                self.comprehension(*kind, &range, condition.as_ref(), body.as_ref(), variables)?
            }
            RuleExpr::Matches { text, regex } => {
                let text = self.value(text, variables)?;
                self.charge(text.bytes() as u64)?;
                Datum::Bool(regex.is_match(text.text()?))
            }
            RuleExpr::Format { pieces, arguments } => {
                let arguments = arguments.iter().map(|argument| self.value(argument, variables));
                let arguments = arguments.collect::<Result<Vec<Datum<'e>>, EvaluationError>>()?;
                self.charge_output(arguments.iter().map(|argument| argument.bytes() + 24).sum())?;
                Datum::owned_text(format::format(pieces, &arguments)?)
            }
            RuleExpr::Call { function, arguments } => {
                let arguments = arguments.iter().map(|argument| self.value(argument, variables));
                let arguments = arguments.collect::<Result<Vec<Datum<'e>>, EvaluationError>>()?;
                self.charge(arguments.iter().map(|argument| argument.len() as u64).sum())?;
                functions::call(*function, &arguments)?
            }
        })
    }

    fn index<'e>(&self, collection: &Datum<'e>, index: &Datum<'_>) -> Result<Datum<'e>, EvaluationError> {
        match (collection, index) {
            (Datum::List(list), Datum::Int(index)) => {
                let element = usize::try_from(*index).ok().and_then(|index| list.get(index));
                Ok(element.ok_or(EvaluationFailure::NoSuchElement)?)
            }
            (Datum::Map { entries, key, value }, index) => {
                let entry = self.entry(entries, *key, index)?.ok_or(EvaluationFailure::NoSuchElement)?;
                Ok(Datum::from_element(entry, value))
            }
            _ => Err(EvaluationFailure::Null.into()),
        }
    }

    fn collection_contains(&self, value: &Datum<'_>, collection: &Datum<'_>) -> Result<bool, EvaluationError> {
        match collection {
            Datum::List(list) => {
                for element in list.iter() {
                    if self.are_equal(value, &element)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Datum::Map { entries, key, .. } => Ok(self.entry(entries, *key, value)?.is_some()),
            _ => Err(EvaluationFailure::Null.into()),
        }
    }

    /// Compares values of any type for equality; lists and maps by their elements.
    pub(super) fn are_equal(&self, left: &Datum<'_>, right: &Datum<'_>) -> Result<bool, EvaluationError> {
        self.charge(1)?;
        match (left, right) {
            (Datum::List(left), Datum::List(right)) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (left, right) in left.iter().zip(right.iter()) {
                    if !self.are_equal(&left, &right)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (
                Datum::Map { entries: left, value: left_type, .. },
                Datum::Map { entries: right, key, value: right_type },
            ) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                // Both are sorted by their keys.
                for ((left_key, left), (right_key, right)) in left.iter().zip(right.iter()) {
                    let key = super::read::key_type(*key);
                    let (left_key, right_key) =
                        (Datum::from_element(left_key, key), Datum::from_element(right_key, key));
                    let (left, right) = (Datum::from_element(left, left_type), Datum::from_element(right, right_type));
                    if !self.are_equal(&left_key, &right_key)? || !self.are_equal(&left, &right)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => {
                self.charge_bytes(left.bytes().min(right.bytes()))?;
                Ok(left.equals(right))
            }
        }
    }

    fn comprehension<'e>(
        &'e self,
        kind: Macro,
        range: &Datum<'e>,
        condition: Option<&'e Expr>,
        body: Option<&'e Expr>,
        variables: Variables<'_, 'e>,
    ) -> Result<Datum<'e>, EvaluationError> {
        let mut inner = variables.to_vec();
        let mut truth = |element: Datum<'e>| -> Result<bool, EvaluationError> {
            self.charge(1)?;
            inner.truncate(variables.len());
            inner.push(element);
            condition.map_or(Ok(true), |condition| self.truth(condition, &inner))
        };
        match kind {
            Macro::All => chain(range.elements()?.map(truth), false).map(Datum::Bool),
            Macro::Exists => chain(range.elements()?.map(truth), true).map(Datum::Bool),
            Macro::ExistsOne => {
                let mut truths = range.elements()?.map(truth);
                let count = truths.try_fold(0_u64, |count, truth| truth.map(|truth| count + u64::from(truth)))?;
                Ok(Datum::Bool(count == 1))
            }
            Macro::Filter | Macro::Map => {
                let mut output = Vec::new();
                for element in range.elements()? {
                    if !truth(element.clone())? {
                        continue;
                    }
                    self.charge(ELEMENT)?;
                    output.push(match body {
                        Some(body) => {
                            let inner: Vec<Datum<'e>> = variables.iter().cloned().chain([element]).collect();
                            self.value(body, &inner)?
                        }
                        None => element,
                    });
                }
                Ok(Datum::List(List::Computed(output.into())))
            }
        }
    }
}
