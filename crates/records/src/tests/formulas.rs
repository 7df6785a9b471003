//! Defaults and computed fields.

use super::fixture::Fixture;
use groundplan_model::catalog::MethodKind::{Create, Get, Update};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

const MODELS: &str = include_str!("formulas.proto");

async fn fixture() -> Fixture {
    let fixture = Fixture::empty().await;
    fixture.apply(1, MODELS).await.unwrap();
    fixture
}

/// Returns the violations of an error: field and description.
fn violations(status: &Status) -> Vec<(String, String)> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let violations = details.bad_request().unwrap().field_violations.iter();
    violations.map(|violation| (violation.field.clone(), violation.description.clone())).collect()
}

fn time(value: &Value) -> chrono::DateTime<chrono::FixedOffset> {
    chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn fields_without_a_value_get_defaults_in_number_order() {
    let fixture = fixture().await;
    let created = fixture.call("Order", Create, json!({"order": {"title": " Ten Pens ", "price": "4"}})).await.unwrap();
    assert_eq!(created["slug"], "ten pens");
    assert_eq!(created["label"], "#ten pens");
    assert_eq!((&created["quantity"], &created["rank"], &created["ratio"]), (&json!(1), &json!(7), &json!(25)));
    assert_eq!(created["wait"], "86400s");
    assert_eq!(time(&created["dueAt"]) - time(&created["createdAt"]), chrono::TimeDelta::hours(24));
    assert_eq!(fixture.call("Order", Get, json!({"id": created["id"]})).await.unwrap(), created);
}

#[tokio::test]
async fn caller_values_override_defaults_except_zero_without_presence() {
    let fixture = fixture().await;
    let given = json!({"title": "x", "slug": "own", "quantity": 0, "rank": 0, "price": "1", "wait": "60s",
        "dueAt": "2030-01-01T00:00:00Z", "label": ""});
    let created = fixture.call("Order", Create, json!({"order": given})).await.unwrap();
    assert_eq!((&created["slug"], &created["label"]), (&json!("own"), &json!("#own")));
    assert_eq!((&created["quantity"], &created["rank"]), (&json!(1), &json!(0)));
    assert_eq!((&created["wait"], &created["dueAt"]), (&json!("60s"), &json!("2030-01-01T00:00:00Z")));

    // Defaults apply to new records: fields that an update clears stay clear.
    let cleared = json!({"order": {"id": created["id"], "slug": "own"}, "updateMask": "quantity,rank,label"});
    let updated = fixture.call("Order", Update, cleared).await.unwrap();
    assert_eq!((updated.get("quantity"), updated.get("rank"), updated.get("label")), (None, None, None));
}

#[tokio::test]
async fn computed_fields_are_updated_by_each_write_and_callers_cannot_set_them() {
    let fixture = fixture().await;
    let order = json!({"title": "x", "price": "20", "quantity": 3, "total": 999, "note": "mine", "isLate": true});
    let created = fixture.call("Order", Create, json!({"order": order})).await.unwrap();
    assert_eq!((&created["total"], &created["note"]), (&json!(60), &json!("dear")));
    assert_eq!(created.get("isLate"), None);

    let id = &created["id"];
    for (order, mask, total, note, year) in [
        (json!({"id": id, "total": 1, "note": "mine"}), "total,note", 60, Some("dear"), None),
        (json!({"id": id, "price": "5"}), "price", 15, None, None),
        (json!({"id": id, "quantity": 2, "total": 9}), "quantity,total", 10, None, None),
        (json!({"id": id, "seenAt": "2001-02-03T00:00:00Z"}), "seenAt", 10, None, Some("2001")),
        (
            json!({"id": id, "slug": "s", "price": "11", "quantity": 1, "total": 5, "dueAt": "2001-01-01T00:00:00Z"}),
            "*",
            11,
            Some("dear"),
            None,
        ),
    ] {
        let updated = fixture.call("Order", Update, json!({"order": order, "updateMask": mask})).await.unwrap();
        assert_eq!(updated["total"], total, "{mask}");
        assert_eq!((updated["note"].as_str(), updated["seenYear"].as_str()), (note, year), "{mask}");
        assert_eq!(fixture.call("Order", Get, json!({"id": id})).await.unwrap(), updated);
    }
    let late = fixture.call("Order", Get, json!({"id": id})).await.unwrap();
    assert_eq!(late["isLate"], true);
}

#[tokio::test]
async fn failed_formula_names_its_field_and_stores_nothing() {
    let fixture = fixture().await;
    let create = async |order: Value| fixture.call("Order", Create, json!({"order": order})).await;
    assert_eq!(
        violations(&create(json!({"title": "x"})).await.unwrap_err()),
        [(
            "ratio".to_owned(),
            "Ratio has no default by `100 / int(price)`: a division by zero; give it a value".to_owned()
        )]
    );
    // A value avoids the failure of a default, but not of a computed field.
    let dear = json!({"title": "x", "ratio": 1, "price": "3000000000"});
    assert_eq!(
        violations(&create(dear).await.unwrap_err()),
        [(
            "total".to_owned(),
            "Total cannot be computed by `int(quantity) * price`: the result is outside the range of an int32"
                .to_owned()
        )]
    );
    // Rules check the new values: an empty default is absent, and a computed value can be too large.
    let bare = create(json!({"price": "1000001"})).await.unwrap_err();
    let fields: Vec<String> = violations(&bare).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["slug", "total"]);
    assert_eq!(fixture.query("SELECT 1 FROM test_v1.\"order\"").await.len(), 0);

    let created = create(json!({"title": "x", "price": "2"})).await.unwrap();
    let update = json!({"order": {"id": created["id"], "price": "9223372036854775807"}, "updateMask": "price"});
    let found = violations(&fixture.call("Order", Update, update).await.unwrap_err());
    assert_eq!(found[0].0, "total");
    assert_eq!(fixture.call("Order", Get, json!({"id": created["id"]})).await.unwrap(), created);
}

#[tokio::test]
async fn revision_with_invalid_formulas_is_not_served() {
    let fixture = fixture().await;
    let broken = MODELS.replace("'#' + slug", "'#' + slag");
    let error = fixture.apply(2, &broken).await.unwrap_err();
    assert!(error.log_text().contains("test.v1.Order.label: Order has no field `slag`"), "{}", error.log_text());
}
