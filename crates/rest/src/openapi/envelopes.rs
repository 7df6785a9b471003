//! The envelopes of a model's records: one, a page, a batch, changes.

mod changes;

use super::names::{Side, inverse_relations, reference};
use groundplan_model::catalog::{Catalog, Model};
use groundplan_operations::limits::MAX_EXPAND_DEPTH;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The kinds of envelopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    /// A written record.
    Written,
    /// A record that was read.
    Read,
    /// A page of a list.
    Page,
    /// Records by their ids.
    Batch,
    /// Records of a batch write.
    Records,
    /// The data of an event, which has no envelope.
    Event,
    /// The revisions of a record.
    History,
}

impl Envelope {
    /// The component.
    pub(super) fn name(self, model: &Model) -> String {
        let kind = match self {
            Self::Written => "Response",
            Self::Read => "View",
            Self::Page => "Page",
            Self::Batch => "Batch",
            Self::Records => "Records",
            Self::Event => "Event",
            Self::History => "History",
        };
        format!("{}-{kind}", model.full_name)
    }

    /// A reference to the component.
    pub(super) fn reference(self, model: &Model) -> Value {
        json!({ "$ref": format!("#/components/schemas/{}", self.name(model)) })
    }
}

/// The components of a model.
pub(super) fn of(catalog: &Catalog, model: &Model) -> Map<String, Value> {
    let written = reference(&model.full_name, Side::Output);
    let shown = reference(&model.full_name, Side::Masked);
    let shown_all = json!({ "type": "array", "items": shown });
    let mut page = Map::from_iter([("data".to_owned(), shown_all.clone())]);
    page.extend(paging());
    let history = model.history.map(|_| (Envelope::History, changes::history(model)));
    [
        (Envelope::Records, object(&["data"], member("data", json!({ "type": "array", "items": written.clone() })))),
        (Envelope::Written, object(&["data"], member("data", written))),
        (Envelope::Read, object(&["data"], with_included(catalog, model, member("data", shown)))),
        (Envelope::Page, object(&["data", "nextPageToken"], with_included(catalog, model, page))),
        (Envelope::Batch, object(&["data"], with_included(catalog, model, member("data", shown_all)))),
        (Envelope::Event, changes::event(model)),
    ]
    .into_iter()
    .chain(history)
    .map(|(envelope, schema)| (envelope.name(model), schema))
    .collect()
}

/// The names of a model's relations, for `expand`.
pub(super) fn relations(model: &Model) -> Vec<&str> {
    let there = model.references.iter().map(|reference| reference.name.as_str());
    there.chain(inverse_relations(model).filter_map(|(_, referrer)| referrer.inverse.as_deref())).collect()
}

fn paging() -> [(String, Value); 3] {
    [
        next_page_token(),
        (
            "totalSize".to_owned(),
            json!({ "type": "integer", "format": "int64", "description": "The number of matching records, over all pages. Present only if count is set." }),
        ),
        (
            "totalSizeIsEstimate".to_owned(),
            json!({ "type": "boolean", "const": true, "description": "Present if totalSize is an estimate." }),
        ),
    ]
}

fn next_page_token() -> (String, Value) {
    let description = "The pageToken of the next page; empty on the last page.";
    ("nextPageToken".to_owned(), json!({ "type": "string", "description": description }))
}

fn with_included(catalog: &Catalog, model: &Model, mut properties: Map<String, Value>) -> Map<String, Value> {
    let models = reachable(catalog, model);
    if models.is_empty() {
        return properties;
    }
    let records = |name: &str| json!({ "type": "array", "items": reference(name, Side::Output) });
    let by_model: Map<String, Value> = models.into_iter().map(|name| (name.to_owned(), records(name))).collect();
    properties.insert(
        "included".to_owned(),
        json!({
            "type": "object",
            "description": "The related records, complete and without duplicates, by model. Present only if expand is set. Records of data are included only if readMask leaves out some of their fields.",
            "properties": by_model,
            "additionalProperties": false,
        }),
    );
    properties.insert("includedPageTokens".to_owned(), json!({
        "type": "object",
        "description": "The pageToken of the next page of each inverse relation with more records, by the path of the list, such as `authors/{id}/books`, or `v2/authors/{id}/books` if the path alone is ambiguous.",
        "additionalProperties": { "type": "string" },
    }));
    properties
}

/// The models that `expand` can reach, by their full names.
fn reachable<'a>(catalog: &'a Catalog, model: &'a Model) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut edge = BTreeSet::from([model.full_name.as_str()]);
    for _ in 0..MAX_EXPAND_DEPTH {
        let models = edge.iter().filter_map(|name| catalog.model(name));
        edge = models.flat_map(|model| neighbours(model)).collect();
        found.extend(&edge);
    }
    found
}

fn neighbours(model: &Model) -> impl Iterator<Item = &str> {
    let there = model.references.iter().map(|reference| reference.target.as_str());
    there.chain(inverse_relations(model).map(|(_, referrer)| referrer.model.as_str()))
}

fn member(name: &str, schema: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), schema)])
}

fn object(required: &[&str], properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}
