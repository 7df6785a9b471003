//! Checks `search`.

use super::names::Meaning;
use super::{Checker, Typed};
use crate::ExprError;
use crate::ir::{Expr, Root, Type};
use crate::parse::{Literal, Node, NodeKind};
use groundplan_model::catalog::{IndexMethod, Model};

impl Checker<'_> {
    pub(super) fn search(&mut self, field_node: &Node, words: &Node) -> Result<Typed, ExprError> {
        if self.purpose.is_formula() {
            let message =
                "`search` uses an index of stored records, and a formula reads only its own record: use `contains`";
            return Err(self.error(field_node.span, message));
        }
        let Meaning::Field(field) = self.resolve(field_node)? else {
            return Err(self
                .error(field_node.span, format!("{} is not a field: `search` takes a field", self.quote(field_node))));
        };
        let NodeKind::Literal(Literal::String(text)) = &words.kind else {
            return Err(
                self.error(words.span, format!("{} is not a literal: write the words in quotes", self.quote(words)))
            );
        };
        if !text.contains(char::is_alphanumeric) {
            return Err(self.error(words.span, "there is no word to search for"));
        }
        let (model, owner): (&Model, _) = match &field.root {
            Root::Record => (self.scope.model, self.scope.model.name.as_str()),
            Root::Related { model, .. } => (model, model.name.as_str()),
            Root::Variable(_) | Root::Element(_) => {
                return Err(
                    self.error(field_node.span, "`search` takes a field of the record: there is no index of elements")
                );
            }
        };
        let [id] = field.steps.as_slice() else {
            return Err(self.error(
                field_node.span,
                "`search` takes a field of the record itself: there is no index inside messages",
            ));
        };
        let language = model.indexes.iter().find_map(|index| match &index.method {
            IndexMethod::Search { language } if index.fields.first().is_some_and(|first| first.field == *id) => {
                Some(language.clone())
            }
            _ => None,
        });
        if field.ty != Type::String {
            let ty = self.type_name(&field.ty);
            return Err(
                self.error(field_node.span, format!("{} is {ty}: `search` takes strings", self.quote(field_node)))
            );
        }
        let Some(language) = language else {
            let name = &model.shape().field(*id).name;
            let line = format!("indexes: {{fields: \"{name}\" method: INDEX_METHOD_SEARCH reason: \"…\"}}");
            let message = format!(
                "`{name}` has no search index: declare `{line}` in the options of {owner}, or write `{name}.contains(…)`"
            );
            return Err(self.error(field_node.span, message));
        };
        Ok(Typed::new(Expr::Search { field, words: text.clone(), language }, Type::Bool))
    }
}
