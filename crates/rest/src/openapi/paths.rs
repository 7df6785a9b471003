//! The paths and their operations.

mod batches;
mod changes;
mod commit;
mod queried;
mod written;

use super::envelopes::Envelope;
use super::example::{self, Purpose};
use super::headers::{condition, etag, header, revision};
use super::names::{Operation, OperationIds, inverse_relations};
use super::{errors, fields, queries};
use crate::methods::{DERIVED, is_served};
use crate::route::Path;
use crate::target;
use groundplan_model::catalog::{Catalog, MethodKind, Model, Referrer};
use http::Method;
use serde_json::{Map, Value, json};

/// All paths.
pub(super) fn of(catalog: &Catalog) -> Map<String, Value> {
    let ids = OperationIds::of(catalog);
    let mut paths = Map::new();
    if let Some(item) = commit::item(catalog) {
        paths.insert(target::COMMIT_PATH.to_owned(), item);
    }
    for model in &catalog.models {
        let of = OfModel { catalog, model, ids: &ids };
        for (kind, route) in DERIVED.iter().filter(|(kind, _)| is_served(model, *kind)) {
            if route.path == Path::Relation {
                let related = inverse_relations(model).filter_map(|(place, referrer)| of.related(place, referrer));
                paths.extend(related.map(|(inverse, item)| (target::inverse_path(model, inverse), item)));
                continue;
            }
            let item = paths.entry(route.path.template(model)).or_insert_with(|| of.path_item(&route.path));
            for method in route.http_methods.iter().filter(|method| *method != Method::HEAD) {
                item[method.as_str().to_lowercase()] = of.method(*kind, method);
            }
        }
    }
    paths
}

struct OfModel<'a> {
    catalog: &'a Catalog,
    model: &'a Model,
    ids: &'a OperationIds,
}

impl OfModel<'_> {
    /// A path without its operations.
    fn path_item(&self, path: &Path) -> Value {
        match path {
            Path::Record | Path::RecordMethod(_) => json!({ "parameters": [self.id()] }),
            _ => json!({}),
        }
    }

    /// The operation of a method.
    fn method(&self, kind: MethodKind, http_method: &Method) -> Value {
        match kind {
            MethodKind::List | MethodKind::ListRelated(_) => self.list(),
            MethodKind::Create => self.create(),
            MethodKind::Get => self.get(),
            MethodKind::Update if http_method == Method::PUT => self.replace(),
            MethodKind::Update => self.patch(),
            MethodKind::Delete => self.delete(),
            MethodKind::Undelete => self.undelete(),
            MethodKind::BatchGet => self.batch_get(),
            MethodKind::BatchCreate => self.batch_create(),
            MethodKind::BatchUpdate => self.batch_update(),
            MethodKind::BatchDelete => self.batch_delete(),
            MethodKind::Aggregate => self.aggregate(),
            MethodKind::ExplainList => self.explain_list(),
            MethodKind::Watch => self.watch(),
            MethodKind::ListRevisions => self.revisions(),
        }
    }

    fn get(&self) -> Value {
        let read_time = changes::read_time(self.model);
        let failures: &[u16] = if read_time.is_some() { &[404, 410] } else { &[404] };
        let summary = format!("Reads {}.", self.a_record());
        let mut operation = self.operation(Operation::Method(MethodKind::Get), summary, failures);
        let known = "Etags, or `*`. If the record has one of them and expand is not set, the response is 304.";
        let mut parameters = vec![condition("If-None-Match", known)];
        parameters.extend(queries::view_parameters(self.model));
        parameters.extend(read_time);
        operation["parameters"] = parameters.into();
        operation["responses"]["200"] = self.shown("The record.", Envelope::Read);
        operation["responses"]["200"]["headers"]["ETag"] = etag();
        operation["responses"]["304"] =
            json!({ "description": "The record has one of the etags.", "headers": { "ETag": etag() } });
        operation
    }

    fn list(&self) -> Value {
        let summary = format!("Lists {}, page by page.", self.model.plural);
        let mut operation = self.operation(Operation::Method(MethodKind::List), summary, &[404]);
        operation["parameters"] = queries::list_parameters(self.model).into();
        operation["responses"]["200"] = self.page();
        operation
    }

    /// The list of an inverse relation, with its name.
    fn related<'a>(&self, place: u16, referrer: &'a Referrer) -> Option<(&'a str, Value)> {
        let (inverse, others) = (referrer.inverse.as_deref()?, self.catalog.model(&referrer.model)?);
        let summary = format!("Lists the {} that refer to {}, page by page.", others.plural, self.a_record());
        let mut operation = self.operation(Operation::Method(MethodKind::ListRelated(place)), summary, &[404]);
        let others = OfModel { model: others, ..*self };
        operation["parameters"] = queries::list_parameters(others.model).into();
        operation["responses"]["200"] = others.page();
        Some((inverse, json!({ "parameters": [self.id()], "get": operation })))
    }

    fn operation(&self, operation: Operation, summary: String, failures: &[u16]) -> Value {
        json!({
            "operationId": self.ids.get(self.model, operation),
            "tags": [self.model.full_name],
            "summary": summary,
            "responses": errors::references(failures),
        })
    }

    fn body(&self, schema: Value, purpose: Purpose) -> Value {
        let example = example::record(self.catalog, self.model, purpose);
        json!({ "required": true, "content": { "application/json": { "schema": schema, "example": example } } })
    }

    fn page(&self) -> Value {
        let mut page = self.shown("A page of records.", Envelope::Page);
        page["headers"]["Link"] = link();
        page
    }

    /// A response of records.
    fn shown(&self, description: &str, envelope: Envelope) -> Value {
        let record = example::record(self.catalog, self.model, Purpose::Output);
        let example = match envelope {
            Envelope::Page => json!({ "data": [record], "nextPageToken": "" }),
            Envelope::Batch | Envelope::Records => json!({ "data": [record] }),
            _ => json!({ "data": record }),
        };
        json_response(description, envelope.reference(self.model), example)
    }

    /// The name of the model with its article, chosen by the first letter.
    fn a_record(&self) -> String {
        let article = if self.model.name.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
        format!("{article} {}", self.model.name)
    }

    fn id(&self) -> Value {
        let mut schema = json!({ "type": "string" });
        fields::describe_id(&mut schema, self.model.id_format);
        json!({
            "name": "id", "in": "path", "required": true, "schema": schema,
            "description": "The id of the record.", "example": example::id(self.catalog, self.model),
        })
    }
}

/// The header that leads to the next page.
fn link() -> Value {
    let link = "The path of the next page, with `rel=\"next\"`. Absent on the last page, or if the path is very long.";
    header(link, json!({ "type": "string" }))
}

/// A response of JSON.
fn json_response(description: &str, schema: Value, example: Value) -> Value {
    json!({
        "description": description,
        "headers": { "groundplan-revision": revision() },
        "content": { "application/json": { "schema": schema, "example": example } },
    })
}
