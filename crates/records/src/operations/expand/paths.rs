//! The relations that a request names, as a tree.

use super::{MAX_EXPAND_DEPTH, MAX_EXPAND_PATHS};
use groundplan_codec::{shorten_name, suggestion};
use groundplan_error::{Error, Reason};
use groundplan_model::catalog::{Catalog, Model};
use groundplan_model::json_name;
use groundplan_model::shape::FieldId;
use std::sync::Arc;

/// The relations to expand.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The model of the records that the paths start from.
    pub(crate) model: Arc<Model>,
    pub(crate) edges: Vec<Edge>,
}

/// A step of a path, and the steps after it.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) relation: Relation,
    pub(crate) edges: Vec<Edge>,
}

/// A step along a relation.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// The model of the related records.
    pub(crate) target: Arc<Model>,
    pub(crate) way: Way,
}

/// The direction of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the record whose id is in this field.
    There(FieldId),
    /// To the records that have the id in their `field`.
    Back { field: FieldId, name: String },
}

impl Paths {
    /// Parses paths such as `author` or `author.books`. A step is the name of a relation or of the field that holds it.
    pub(crate) fn parse(catalog: &Catalog, model: &Arc<Model>, paths: &[String]) -> Result<Self, Error> {
        if paths.len() > MAX_EXPAND_PATHS {
            return Err(refused(format!("expand has {} paths; at most {MAX_EXPAND_PATHS} are allowed", paths.len())));
        }
        let mut edges = Vec::new();
        for path in paths {
            let steps: Vec<&str> = path.split('.').take(MAX_EXPAND_DEPTH + 1).collect();
            if steps.len() > MAX_EXPAND_DEPTH {
                let path = shorten_name(path);
                return Err(refused(format!(
                    "expand has the path {path:?} of more than {MAX_EXPAND_DEPTH} steps; cut it"
                )));
            }
            add(catalog, model, path, &steps, &mut edges)?;
        }
        Ok(Self { model: model.clone(), edges })
    }

    /// Returns whether there is nothing to expand.
    pub(crate) fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Returns the fields that records must have for the paths to start from them.
    pub(crate) fn needed(&self) -> Vec<FieldId> {
        if self.is_empty() {
            return Vec::new();
        }
        let there = self.edges.iter().filter_map(|edge| match edge.relation.way {
            Way::There(field) => Some(field),
            Way::Back { .. } => None,
        });
        there.chain([self.model.roles.id]).collect()
    }
}

/// Adds a path to the edges that start from a model.
fn add(catalog: &Catalog, model: &Arc<Model>, path: &str, steps: &[&str], edges: &mut Vec<Edge>) -> Result<(), Error> {
    let Some((name, rest)) = steps.split_first() else { return Ok(()) };
    let relation = find(catalog, model, name).ok_or_else(|| unknown(catalog, model, path, name))?;
    let target = relation.target.clone();
    let is_same =
        |edge: &Edge| edge.relation.way == relation.way && Arc::ptr_eq(&edge.relation.target, &relation.target);
    let known = edges.iter().position(is_same);
    let at = known.unwrap_or_else(|| {
        edges.push(Edge { relation, edges: Vec::new() });
        edges.len() - 1
    });
    match edges.get_mut(at) {
        Some(edge) => add(catalog, &target, path, rest, &mut edge.edges),
        None => Ok(()),
    }
}

/// Returns the relation with a name.
fn find(catalog: &Catalog, model: &Model, name: &str) -> Option<Relation> {
    relations(catalog, model).find(|(names, _)| names.iter().any(|known| known == name)).map(|(_, relation)| relation)
}

/// Returns the relations of a model, each with its names; the first name is the one to suggest. Input-only fields are
/// omitted, and have no inverse relation.
fn relations<'a>(catalog: &'a Catalog, model: &'a Model) -> impl Iterator<Item = (Vec<String>, Relation)> + 'a {
    let there = model.references.iter().filter_map(|reference| {
        let field = model.shape().field(reference.field);
        let target = catalog.model(&reference.target)?.clone();
        let names =
            vec![reference.name.clone(), json_name(&reference.name), field.name.clone(), field.json_name.clone()];
        let relation = Relation { target, way: Way::There(reference.field) };
        (!field.behavior.input_only).then_some((names, relation))
    });
    let back = model.referrers.iter().filter_map(|referrer| {
        let name = referrer.inverse.clone()?;
        let target = catalog.model(&referrer.model)?.clone();
        let names = vec![name.clone(), json_name(&name)];
        let relation = Relation { target, way: Way::Back { field: referrer.field, name } };
        Some((names, relation))
    });
    there.chain(back)
}

/// Returns the error for a name that is not a relation.
fn unknown(catalog: &Catalog, model: &Model, path: &str, name: &str) -> Error {
    let known: Vec<String> = relations(catalog, model).filter_map(|(names, _)| names.into_iter().next()).collect();
    let hint = match known.as_slice() {
        [] => format!("; {} has none", model.full_name),
        _ => match suggestion(name, known.iter().map(String::as_str)) {
            suggestion if suggestion.is_empty() => format!("; it has {}", known.join(", ")),
            suggestion => suggestion,
        },
    };
    refused(format!(
        "expand has the path {:?}, but {:?} is not a relation of {}{hint}",
        shorten_name(path),
        shorten_name(name),
        model.full_name
    ))
}

fn refused(message: String) -> Error {
    Error::new(Reason::ExpandInvalid, message)
}
