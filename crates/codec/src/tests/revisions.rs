//! Two revisions that are served at the same time must not lose each other's data.

use crate::mask::UpdateMask;
use crate::{Record, json, storage, wire};
use groundplan_budget::Budget;
use groundplan_model::{Catalog, Field, Input, ShapeId, SourceFile, StorageNames, compile};
use serde_json::json;

/// Compiles the models of a revision, with these additional fields of a part.
fn revision(added: &str) -> Catalog {
    let content = format!(
        "syntax = \"proto3\"; package two.v1; import \"groundplan/model/v1/model.proto\";
         message Whole {{ option (groundplan.model.v1.model) = {{}}; string id = 1; string name = 2;
           Part part = 3; repeated Part parts = 4; map<string, Part> by_name = 5; }}
         message Part {{ string text = 1; Part inner = 2; {added} }}"
    );
    let file = SourceFile { path: "two/v1/two.proto".to_owned(), content };
    compile(Input::Files(vec![file]), &StorageNames::default()).unwrap().catalog
}

fn whole(catalog: &Catalog) -> ShapeId {
    catalog.shapes.by_name("two.v1.Whole").unwrap()
}

fn columns(catalog: &Catalog) -> impl Iterator<Item = (groundplan_model::FieldId, &Field)> {
    let columns = catalog.shapes.get(whole(catalog)).iter();
    columns.filter(|(_, field)| ["part", "parts", "by_name"].contains(&field.name.as_str()))
}

/// Returns the columns after a revision has written a record.
fn written(catalog: &Catalog, record: &Record) -> serde_json::Value {
    let mut row = json!({});
    for (id, field) in columns(catalog) {
        let Some(value) = record.get(id) else { continue };
        let mut out = Vec::new();
        storage::encode(&catalog.shapes, field, value, &mut out);
        row[&field.name] = serde_json::from_slice(&out).unwrap();
    }
    row
}

/// Reads the columns with a revision.
fn read(catalog: &Catalog, row: &serde_json::Value) -> Record {
    let shape = catalog.shapes.get(whole(catalog));
    let mut record = Record::new(shape);
    for (id, field) in columns(catalog) {
        if let Some(column) = row.get(&field.name) {
            let value = storage::decode(&catalog.shapes, field, column.to_string().as_bytes()).unwrap();
            record.set_in(shape, id, Some(value));
        }
    }
    record
}

/// Returns the columns after a revision has updated them.
fn updated(catalog: &Catalog, row: &serde_json::Value, paths: &[&str], update: &str) -> serde_json::Value {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let mask = UpdateMask::parse(&catalog.shapes, whole(catalog), &paths).unwrap();
    let mut record = read(catalog, row);
    let update = json::decode(&catalog.shapes, whole(catalog), update.as_bytes(), &Budget::default()).unwrap().record;
    mask.apply(&catalog.shapes, whole(catalog), &mut record, update);
    written(catalog, &record)
}

fn stored() -> serde_json::Value {
    let part = json!({"text": "t", "tags": ["a"], "large": u64::MAX, "more": {"deep": {"text": "u"}}});
    let mut outer = part.clone();
    outer["inner"] = part.clone();
    json!({"part": outer, "parts": [part, {"tags": ["b"]}], "by_name": {"k": part}})
}

#[test]
fn an_older_revision_keeps_the_fields_of_a_newer_one() {
    let new = revision("repeated string tags = 3; uint64 large = 4; More more = 5; message More { Part deep = 1; }");
    let row = stored();
    assert_eq!(written(&new, &read(&new, &row)), row);
    let old = revision("");
    for mask in [&["name"][..], &[]] {
        assert_eq!(updated(&old, &row, mask, r#"{"name": "n"}"#), row, "{mask:?}");
    }
    let mut expected = row.clone();
    expected["part"]["inner"]["text"] = json!("v");
    let update = r#"{"part": {"inner": {"text": "v"}}}"#;
    assert_eq!(updated(&old, &row, &["part.inner.text"], update), expected);
}

#[test]
fn a_replaced_message_keeps_unknown_fields() {
    let old = revision("");
    let mut expected = stored();
    expected["part"]["text"] = json!("v");
    expected["part"]["inner"].as_object_mut().unwrap().remove("text");
    let update = r#"{"part": {"text": "v", "inner": {}}}"#;
    for mask in [&["part"][..], &[]] {
        assert_eq!(updated(&old, &stored(), mask, update), expected, "{mask:?}");
    }
    let all = updated(&old, &stored(), &["*"], update);
    assert_eq!(all, json!({"part": expected["part"]}));
    // A cleared message loses its unknown fields.
    expected["part"].as_object_mut().unwrap().remove("inner");
    assert_eq!(updated(&old, &stored(), &["part.text", "part.inner"], r#"{"part": {"text": "v"}}"#), expected);
    assert_eq!(updated(&old, &stored(), &["part"], "{}").get("part"), None);
}

#[test]
fn an_older_revision_skips_unknown_fields_of_stored_wire_bytes() {
    let new = revision("repeated string tags = 3; fixed64 large = 4; fixed32 small = 5; map<string, Part> more = 6;");
    let full = r#"{"name": "n", "part": {"text": "t", "tags": ["a", ""], "large": "7", "small": 8, "more": {"k": {"text": "u"}}}}"#;
    let record = json::decode(&new.shapes, whole(&new), full.as_bytes(), &Budget::default()).unwrap().record;
    let mut bytes = Vec::new();
    wire::encode(&new.shapes, whole(&new), &record, &mut bytes);
    let old = revision("");
    let expected =
        json::decode(&old.shapes, whole(&old), br#"{"name": "n", "part": {"text": "t"}}"#, &Budget::default())
            .unwrap()
            .record;
    assert_eq!(wire::decode_stored(&old.shapes, whole(&old), &bytes).unwrap(), expected);
    assert_eq!(wire::decode_stored(&new.shapes, whole(&new), &bytes).unwrap(), record);
    assert!(wire::decode(&old.shapes, whole(&old), &bytes, &Budget::default()).is_err());
    assert!(wire::decode_stored(&old.shapes, whole(&old), &bytes[..bytes.len() - 1]).is_err());
}
