//! Compiles relations: a sub-select over the other model's table, correlated by the reference.

use super::condition::Condition;
use super::piece::{Binding, Builder, Piece};
use super::value::{Value, WhenNull};
use super::{Compiler, Mode};
use crate::ir::{Expr, Field, Root};
use groundplan_model::catalog::Model;
use groundplan_model::quote;
use groundplan_model::shape::FieldId;
use std::sync::Arc;

/// A related record.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    pub(super) reference: FieldId,
    pub(super) model: Arc<Model>,
    alias: String,
}

impl Compiler<'_> {
    pub(super) fn alias_of(&self, reference: FieldId) -> Option<&str> {
        let joined = self.joined.iter().find(|joined| joined.reference == reference);
        joined.map(|joined| joined.alias.as_str())
    }

    /// Returns the relations that an expression always requires and that are not joined yet.
    pub(super) fn missing_relations(&self, expr: &Expr) -> Vec<Joined> {
        let mut required = Vec::new();
        collect_required(expr, &mut required);
        required.retain(|joined| self.alias_of(joined.reference).is_none());
        required
    }

    /// Returns the relation that all parts of a condition require, if there is exactly one.
    pub(super) fn sole_relation(&self, expr: &Expr) -> Option<Joined> {
        match expr {
            Expr::Not(operand) => self.sole_relation(operand),
            Expr::And(operands) | Expr::Or(operands) => {
                let mut relations = operands.iter().map(|operand| self.sole_relation(operand));
                let first = relations.next()??;
                let is_first = |other: Option<Joined>| other.is_some_and(|other| other.reference == first.reference);
                relations.all(is_first).then_some(first)
            }
            leaf => {
                let mut missing = self.missing_relations(leaf);
                if missing.len() == 1 { missing.pop() } else { None }
            }
        }
    }

    /// Compiles with additional joined relations, and returns them with their aliases.
    pub(super) fn with_joined<T>(
        &mut self,
        relations: Vec<Joined>,
        compile: impl FnOnce(&mut Self) -> T,
    ) -> (T, Vec<Joined>) {
        let outer = self.joined.len();
        for relation in relations {
            let alias = super::numbered("a", self.joined.len());
            self.joined.push(Joined { alias, ..relation });
        }
        let result = compile(self);
        let joined = self.joined.split_off(outer);
        (result, joined)
    }

    /// Returns the tables and conditions of `FROM other AS a WHERE …` for related records.
    fn tables_and_conditions(&self, joined: &[Joined]) -> (String, Vec<Piece>) {
        let tables: Vec<String> = joined
            .iter()
            .map(|Joined { model, alias, .. }| format!("{} AS {alias}", model.table.qualified()))
            .collect();
        let shape = self.scope.model.shape();
        let conditions = joined.iter().flat_map(|Joined { reference, model, alias }| {
            let id = model.column_name(model.roles.id);
            let reference = quote(&shape.field(*reference).storage_name);
            [format!("{alias}.\"_tenant\" = r.\"_tenant\""), format!("{alias}.{id} = r.{reference}")]
        });
        let pieces = conditions.map(|text| Piece { binding: Binding::Compare, ..Piece::atom(text) }).collect();
        (tables.join(", "), pieces)
    }

    /// Returns a condition on related records.
    pub(super) fn related_condition(&self, joined: &[Joined], condition: Condition, mode: Mode) -> Condition {
        let (tables, mut conditions) = self.tables_and_conditions(joined);
        let (piece, nullable) = match (mode, condition) {
            (Mode::Where, Condition::Known(Some(false) | None)) => return Condition::Known(Some(false)),
            (Mode::Exact, Condition::Known(None)) => return Condition::Known(None),
            (Mode::Where, condition) => {
                if let Condition::Sql { piece, .. } = condition {
                    conditions.push(piece);
                }
                let builder = Builder::default().text("EXISTS (SELECT 1 FROM ").text(&tables).text(" WHERE ");
                (builder.operand(&Piece::chain(&conditions, true), Binding::Or).text(")").finish(Binding::Atom), false)
            }
            (Mode::Exact, condition) => (select(&condition.piece(), &tables, &conditions), true),
        };
        Condition::Sql { piece, nullable }
    }

    /// Returns a value of related records: NULL if they do not exist.
    pub(super) fn related_value(&self, joined: &[Joined], value: Value) -> Value {
        let (tables, conditions) = self.tables_and_conditions(joined);
        let value = value.with_guards_inside();
        let piece = select(&value.piece, &tables, &conditions);
        Value { piece, null: WhenNull::Error, is_column: false, is_reference: false, ..value }
    }
}

fn select(piece: &Piece, tables: &str, conditions: &[Piece]) -> Piece {
    let builder = Builder::default().text("(SELECT ").operand(piece, Binding::Or).text(" FROM ").text(tables);
    builder.text(" WHERE ").operand(&Piece::chain(conditions, true), Binding::Or).text(")").finish(Binding::Atom)
}

/// Collects the relations whose absence is always an error.
fn collect_required(expr: &Expr, required: &mut Vec<Joined>) {
    match expr {
        Expr::Field(field) | Expr::Has(field) | Expr::Search { field, .. } => add_required(field, required),
        Expr::Quantified { list, .. } => add_required(list, required),
        Expr::ElementOf { value, list } => {
            add_required(list, required);
            collect_required(value, required);
        }
        Expr::MapValue { map: field, key: operand, .. } | Expr::ListItem { list: field, index: operand, .. } => {
            add_required(field, required);
            collect_required(operand, required);
        }
        Expr::Compare { left, right, .. }
        | Expr::Arithmetic { left, right, .. }
        | Expr::TextTest { text: left, part: right, .. } => {
            collect_required(left, required);
            collect_required(right, required);
        }
        Expr::OneOf { value, .. } | Expr::Convert { value, .. } => collect_required(value, required),
        Expr::Size(operand) | Expr::Negate(operand) | Expr::Not(operand) => collect_required(operand, required),
        Expr::Matches { text, .. } | Expr::Rewrite { text, .. } => collect_required(text, required),
        Expr::TimePart { time, .. } => collect_required(time, required),
        // These evaluate operands conditionally.
        Expr::And(_) | Expr::Or(_) | Expr::Conditional { .. } => {}
        // Rules have no SQL.
        Expr::Const(_) | Expr::Now | Expr::Rule(_) => {}
    }
}

fn add_required(field: &Field, required: &mut Vec<Joined>) {
    match &field.root {
        Root::Related { reference, model } => {
            if required.iter().all(|joined| joined.reference != *reference) {
                required.push(Joined { reference: *reference, model: Arc::clone(model), alias: String::new() });
            }
        }
        Root::Element(element) => collect_required(element, required),
        Root::Record | Root::Variable(_) => {}
    }
}
