//! Names in the database.

use crate::support::{compile_files, file, source};
use groundplan_budget::Budget;
use groundplan_model::{Catalog, Compiler, Input, StorageNames, compile, load, plan};
use prost::Message as _;

const MODEL: &str = "message M { option (groundplan.model.v1.model) = {}; string id = 1; string name = 2; N n = 3; message N { string a = 1; } }";

#[test]
fn new_names_are_the_fields_names() {
    let compiled = compile_files(vec![file("a/v1/a.proto", source(MODEL))]).unwrap();
    let names: Vec<(&str, u32, &str)> = compiled.storage_names.iter().collect();
    assert_eq!(names, [("a.v1.M", 1, "id"), ("a.v1.M", 2, "name"), ("a.v1.M", 3, "n"), ("a.v1.M.N", 1, "a")]);
}

#[test]
fn known_names_stay_and_are_never_reused() {
    // Field 2 had the name `title`, and a removed field had the name `name`.
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
fn index_names_fit_and_are_distinct() {
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

fn shelf(option: &str) -> Input {
    let text = format!("message Shelf {{ option (groundplan.model.v1.model) = {{ {option} }}; string id = 1; }}");
    Input::Files(vec![file("a/v1/a.proto", source(&text))])
}

fn path(catalog: &Catalog) -> (&str, &str) {
    let model = catalog.model("a.v1.Shelf").unwrap();
    (&model.plural, &model.resource)
}

/// Returns the catalog that an earlier version derived from `Shelf`: its derived service contains the plural of that
/// version.
fn of_an_earlier_version() -> Catalog {
    let written = compile(shelf("plural: \"Shelfs\""), &StorageNames::default()).unwrap().catalog;
    let own = written.pool.get_file_by_name("a/v1/a.proto").unwrap();
    let mut own = own.file_descriptor_proto().clone();
    let mut message = own.message_type.remove(0);
    message.options = None;
    // The empty option with the number 77310.
    let mut option = Vec::new();
    prost::encoding::bytes::encode(77_310, &Vec::new(), &mut option);
    let mut message = message.encode_to_vec();
    prost::encoding::bytes::encode(7, &option, &mut message);
    let mut own = own.encode_to_vec();
    prost::encoding::bytes::encode(4, &message, &mut own);
    let mut set = Vec::new();
    for file in written.pool.files() {
        let bytes = if file.name() == "a/v1/a.proto" { own.clone() } else { file.encode_to_vec() };
        prost::encoding::bytes::encode(1, &bytes, &mut set);
    }
    load(1, set.into(), &StorageNames::default()).unwrap()
}

#[test]
fn plurals_of_applied_models_stay() {
    assert_eq!(path(&compile(shelf(""), &StorageNames::default()).unwrap().catalog), ("Shelves", "shelves"));
    let live = of_an_earlier_version();
    assert_eq!(path(&live), ("Shelfs", "shelfs"));
    let (names, budget) = (StorageNames::default(), Budget::default());
    let again =
        Compiler { storage_names: &names, live: Some(&live), budget: &budget }.compile(shelf("")).unwrap().catalog;
    assert_eq!(path(&again), ("Shelfs", "shelfs"));
    assert!(again.models[0].method_path(groundplan_model::MethodKind::List).ends_with("/ListShelfs"));
    // A declared plural takes precedence.
    let written = Compiler { storage_names: &names, live: Some(&live), budget: &budget };
    assert_eq!(path(&written.compile(shelf("plural: \"Shelves\"")).unwrap().catalog), ("Shelves", "shelves"));
}

#[test]
fn words_without_a_plural_have_services() {
    for word in ["Staff", "Series", "News", "Information", "Equipment", "Sheep", "Books"] {
        let text = format!(
            "message {word} {{ option (groundplan.model.v1.model) = {{ history: {{}} soft_delete: {{}} }}; string id = 1; \
             google.protobuf.Timestamp deleted_at = 2; }}"
        );
        let compiled = compile_files(vec![file("a/v1/a.proto", source(&text))]);
        assert!(compiled.is_ok(), "{word}: {:#?}", compiled.err());
    }
}
