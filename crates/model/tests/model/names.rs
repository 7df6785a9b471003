//! Names in storage.

use crate::support::{compile_files, file, source};
use groundplan_model::{Input, StorageNames, compile, plan};

const MODEL: &str = "message M { option (groundplan.model.v1.model) = {}; string id = 1; string name = 2; N n = 3; message N { string a = 1; } }";

#[test]
fn names_are_the_fields_own_at_first() {
    let compiled = compile_files(vec![file("a/v1/a.proto", source(MODEL))]).unwrap();
    let names: Vec<(&str, u32, &str)> = compiled.storage_names.iter().collect();
    assert_eq!(names, [("a.v1.M", 1, "id"), ("a.v1.M", 2, "name"), ("a.v1.M", 3, "n"), ("a.v1.M.N", 1, "a")]);
}

#[test]
fn known_names_stay_and_are_never_given_twice() {
    // Field 2 was called `title` once, and `name` was the name of a field that is gone.
    let known: StorageNames =
        [(("a.v1.M".to_owned(), 2), "title".to_owned()), (("a.v1.M".to_owned(), 9), "n".to_owned())]
            .into_iter()
            .collect();
    let compiled = compile(Input::Files(vec![file("a/v1/a.proto", source(MODEL))]), &known).unwrap();
    assert_eq!(compiled.storage_names.get("a.v1.M", 2), Some("title"));
    assert_eq!(compiled.storage_names.get("a.v1.M", 3), Some("n_3"));
    assert_eq!(compiled.storage_names.get("a.v1.M", 9), Some("n"));
    let model = compiled.catalog.model("a.v1.M").unwrap();
    assert_eq!(model.shape().by_storage_name("title"), model.shape().by_name("name"));
    let plan = plan(None, &compiled.catalog).unwrap();
    assert!(
        plan.steps[0]
            .statements
            .iter()
            .any(|statement| statement.sql.contains("\"title\" text COLLATE \"C\" NOT NULL"))
    );
}

#[test]
fn index_names_fit_and_tell_indexes_apart() {
    let long = "a".repeat(60);
    let text = format!(
        "message M {{ option (groundplan.model.v1.model) = {{ indexes: {{ fields: \"{long}_x\" }} indexes: {{ fields: \"{long}_y\" }} \
         indexes: {{ fields: \"{long}_x desc\" }} indexes: {{ fields: \"{long}_x\" unique: true }} }}; string id = 1; \
         string {long}_x = 2; string {long}_y = 3; }}"
    );
    let catalog = crate::support::catalog(&text);
    let mut names: Vec<&str> = catalog.models[0].indexes.iter().map(|index| index.name.as_str()).collect();
    assert!(names.iter().all(|name| name.len() == 63 && name.starts_with("m_aaa")));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 4);
}
