//! Names of components and operations.

use groundplan_model::catalog::{Catalog, MethodKind, Model, Referrer};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The side of the API that a schema is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Side {
    /// A message in a response.
    Output,
    /// A message in a response with a read mask.
    Masked,
    /// A whole message in a request.
    Input,
    /// The same, with the required id that the client assigns.
    Create,
    /// Some fields of a record in a request.
    Patch,
    /// The same, with the model.
    Typed,
    /// A record in a response, with its model.
    Committed,
}

/// The name of a component. Names of messages have no hyphen, so components cannot clash.
pub(super) fn component(full_name: &str, side: Side) -> String {
    match side {
        Side::Output => full_name.to_owned(),
        Side::Masked => format!("{full_name}-Masked"),
        Side::Input => format!("{full_name}-Input"),
        Side::Create => format!("{full_name}-Create"),
        Side::Patch => format!("{full_name}-Patch"),
        Side::Typed => format!("{full_name}-Typed"),
        Side::Committed => format!("{full_name}-Committed"),
    }
}

/// A reference to a schema among the components.
pub(super) fn reference(full_name: &str, side: Side) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", component(full_name, side)) })
}

/// The operations of REST: one for each gRPC method, except for Update, which has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    /// Update of the present fields.
    Patch,
    /// Update of all fields.
    Replace,
    Method(MethodKind),
}

impl Operation {
    /// All operations of a model.
    fn of(model: &Model) -> impl Iterator<Item = Self> {
        let kinds = [
            MethodKind::Create,
            MethodKind::Get,
            MethodKind::List,
            MethodKind::Delete,
            MethodKind::BatchGet,
            MethodKind::BatchCreate,
            MethodKind::BatchUpdate,
            MethodKind::BatchDelete,
            MethodKind::Aggregate,
            MethodKind::ExplainList,
            MethodKind::Watch,
        ];
        let revisions = model.history.map(|_| MethodKind::ListRevisions);
        let undelete = model.soft_delete.map(|_| MethodKind::Undelete);
        let related = inverse_relations(model).map(|(place, _)| MethodKind::ListRelated(place));
        [Self::Patch, Self::Replace]
            .into_iter()
            .chain(kinds.into_iter().chain(undelete).chain(revisions).chain(related).map(Self::Method))
    }

    fn method_name(self, model: &Model) -> String {
        match self {
            Self::Method(kind) => model.method_name(kind),
            Self::Patch => model.method_name(MethodKind::Update),
            Self::Replace => format!("Replace{}", model.name),
        }
    }
}

/// The inverse relations of a model, with their indexes.
pub(super) fn inverse_relations(model: &Model) -> impl Iterator<Item = (u16, &Referrer)> {
    (0..).zip(&model.referrers).filter(|(_, referrer)| referrer.inverse.is_some())
}

/// The operations' ids: `createEntity`, or `example_v1_Entity_createEntity` where another package has the same.
#[derive(Debug)]
pub(super) struct OperationIds(HashMap<String, usize>);

impl OperationIds {
    pub(super) fn of(catalog: &Catalog) -> Self {
        let mut uses = HashMap::new();
        for model in &catalog.models {
            for operation in Operation::of(model) {
                *uses.entry(operation.method_name(model)).or_insert(0) += 1;
            }
        }
        Self(uses)
    }

    pub(super) fn get(&self, model: &Model, operation: Operation) -> String {
        let method = operation.method_name(model);
        let id = lower_first(&method);
        if self.0.get(&method).is_some_and(|uses| *uses > 1) {
            return format!("{}_{id}", model.full_name.replace('.', "_"));
        }
        id
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_lowercase(), letters.as_str()))
}
