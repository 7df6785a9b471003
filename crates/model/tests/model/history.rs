//! Watches and histories: from the option to the catalog and the services.

use crate::support::{ENTITY, LIBRARY, catalog, compile_files, example, file, source};
use groundplan_model::{Catalog, History, MethodKind, Model, load};
use prost_reflect::MessageDescriptor;

fn model(option: &str) -> String {
    format!("message Thing {{ option (groundplan.model.v1.model) = {{ {option} }}; string id = 1; }}")
}

fn history(option: &str) -> Option<u16> {
    catalog(&model(option)).models[0].history.map(|history| history.retention_days)
}

fn message(catalog: &Catalog, name: &str) -> MessageDescriptor {
    catalog.pool.get_message_by_name(name).unwrap_or_else(|| panic!("there is no {name}"))
}

fn fields(message: &MessageDescriptor) -> Vec<(u32, String)> {
    message.fields().map(|field| (field.number(), field.name().to_owned())).collect()
}

/// Returns the codes and messages of an invalid file.
fn diagnostics_of_text(text: &str) -> Vec<String> {
    let diagnostics = compile_files(vec![file("a/v1/a.proto", source(text))]).err().unwrap_or_default();
    diagnostics.iter().map(|diagnostic| format!("{}: {}", diagnostic.code, diagnostic.message)).collect()
}

#[test]
fn history_retention_has_a_default_and_a_range() {
    assert_eq!(history(""), None);
    assert_eq!(history("history: {}"), Some(30));
    assert_eq!(history("history: { retention_days: 1 }"), Some(1));
    assert_eq!(history("history: { retention_days: 3650 }"), Some(3_650));
    for days in ["-1", "3651", "65537", "2147483647", "-2147483648"] {
        assert_eq!(
            diagnostics_of_text(&model(&format!("history: {{ retention_days: {days} }}"))),
            [format!("HISTORY_RETENTION_INVALID: a.v1.Thing has a history retention of {days} days")]
        );
    }
}

#[test]
fn only_a_model_with_history_has_revisions() {
    let compiled = compile_files(example(LIBRARY)).unwrap();
    let catalog = &compiled.catalog;
    let (book, author) = (catalog.model("library.v1.Book").unwrap(), catalog.model("library.v1.Author").unwrap());
    assert_eq!((book.history, author.history), (Some(History { retention_days: 90 }), None));
    let more = |model: &Model| model.method_kinds().skip(MethodKind::ALL.len()).collect::<Vec<MethodKind>>();
    assert_eq!(more(book), [MethodKind::ListRevisions]);
    assert!(more(author).iter().all(|kind| matches!(kind, MethodKind::ListRelated(_))));
    assert_eq!(book.method_path(MethodKind::ListRevisions), "/library.v1.BookService/ListBookRevisions");
    assert_eq!(catalog.method("/library.v1.BookService/ListBookRevisions").unwrap().kind, MethodKind::ListRevisions);
    assert!(catalog.method("/library.v1.AuthorService/ListAuthorRevisions").is_none());
    assert_eq!(message(catalog, "library.v1.GetBookRequest").get_field_by_name("read_time").unwrap().number(), 3);
    assert!(message(catalog, "library.v1.GetAuthorRequest").get_field_by_name("read_time").is_none());
    let loaded = load(2, catalog.descriptor_set.clone(), &compiled.storage_names).unwrap();
    assert_eq!(loaded.model("library.v1.Book").unwrap().history, book.history);
}

#[test]
fn list_revisions_comes_before_inverse_relations() {
    let catalog = catalog(
        "message A { option (groundplan.model.v1.model) = { history: {} }; string id = 1; \
         string up = 2 [(groundplan.model.v1.field).references = { model: \"A\" inverse: \"down\" }]; }",
    );
    let names: Vec<String> = catalog.models[0].method_kinds().map(|kind| catalog.models[0].method_name(kind)).collect();
    assert_eq!(names[11..], ["WatchAs", "ListARevisions", "ListADown"]);
    let service = catalog.pool.get_service_by_name("a.v1.AService").unwrap();
    let written: Vec<String> = service.methods().map(|method| method.name().to_owned()).collect();
    assert_eq!(written, names);
}

#[test]
fn every_model_can_be_watched() {
    let catalog = compile_files(example(ENTITY)).unwrap().catalog;
    let model = &catalog.models[0];
    assert_eq!(model.method_path(MethodKind::Watch), "/example.v1.EntityService/WatchEntities");
    let service = catalog.pool.get_service_by_name("example.v1.EntityService").unwrap();
    let watch = service.methods().find(|method| method.name() == "WatchEntities").unwrap();
    assert!(watch.is_server_streaming() && !watch.is_client_streaming());
    assert!(service.methods().filter(|method| method.is_server_streaming()).count() == 1);
    let named = |names: &[&str]| (1..).zip(names.iter().map(|name| (*name).to_owned())).collect::<Vec<(u32, String)>>();
    assert_eq!(
        fields(&watch.input()),
        named(&["filter", "read_mask", "start", "token", "with_previous", "allow_scan"])
    );
    assert_eq!(
        fields(&watch.output()),
        named(&["kind", "entity", "previous", "changed_fields", "removal", "token", "transaction", "time"])
    );
}

#[test]
fn event_fields_avoid_names_of_other_fields() {
    for name in ["Token", "Transaction", "Time", "Kind", "Removal", "Previous", "ChangedFields", "Principal"] {
        let text = model("history: {} plural: \"Many\"").replace("Thing", name);
        let catalog = catalog(&text);
        assert_eq!(catalog.models[0].event_field, "record", "{name}");
        for event in ["WatchManyResponse".to_owned(), format!("{name}Revision")] {
            let event = message(&catalog, &format!("a.v1.{event}"));
            assert_eq!(event.get_field(2).unwrap().name(), "record", "{}", event.full_name());
        }
    }
    let catalog = catalog(&model("history: {}"));
    assert_eq!(catalog.models[0].event_field, "thing");
    assert_eq!(
        fields(&message(&catalog, "a.v1.ThingRevision")),
        (1..)
            .zip(["kind", "thing", "time", "etag", "changed_fields", "principal", "transaction"].map(str::to_owned))
            .collect::<Vec<(u32, String)>>()
    );
}

#[test]
fn derived_names_are_checked_for_conflicts() {
    let with = |option: &str, other: &str| diagnostics_of_text(&format!("{}\n{other}", model(option)));
    for (other, clash) in [
        ("message WatchThingsRequest {}", "a.v1.WatchThingsRequest"),
        ("message WatchThingsResponse {}", "a.v1.WatchThingsResponse"),
    ] {
        let expected =
            format!("DERIVED_NAME_CLASH: {clash} is derived for a.v1.Thing, and the name is already defined");
        assert_eq!(with("", other), [expected], "{other}");
    }
    for name in ["ThingRevision", "ListThingRevisionsRequest", "ListThingRevisionsResponse"] {
        let other = format!("message {name} {{}}");
        assert!(with("", &other).is_empty(), "without a history, {name} is free");
        let expected =
            format!("DERIVED_NAME_CLASH: a.v1.{name} is derived for a.v1.Thing, and the name is already defined");
        assert_eq!(with("history: {}", &other), [expected]);
    }
    let back = "message Part { option (groundplan.model.v1.model) = {}; string id = 1; \
        string of = 2 [(groundplan.model.v1.field).references = { model: \"Thing\" inverse: \"revisions\" }]; }";
    assert!(with("", back).is_empty());
    let clashes = with("history: {}", back);
    assert!(clashes[0].starts_with("DERIVED_NAME_CLASH: a.v1.ListThingRevisionsRequest "), "{clashes:?}");
    let plural =
        "message Other { option (groundplan.model.v1.model) = { plural: \"ThingRevisions\" }; string id = 1; }";
    assert!(with("", plural).is_empty());
    assert!(with("history: {}", plural)[0].starts_with("DERIVED_NAME_CLASH: "));
}

#[test]
fn watches_resolve_types_that_packages_hide() {
    for package in ["a.groundplan.v1", "a.google.v1", "a.watch.v1"] {
        for name in ["Thing", "Groundplan", "Google", "Watch"] {
            let text = source(&model("history: {}").replace("Thing", name)).replace("a.v1", package);
            let text = text.replace("(groundplan.", "(.groundplan.");
            let compiled =
                compile_files(vec![file("a.proto", text)]).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
            let response = compiled.catalog.models[0].method_name(MethodKind::Watch) + "Response";
            let kind = message(&compiled.catalog, &format!("{package}.{response}")).get_field(1).unwrap().kind();
            assert_eq!(kind.as_enum().unwrap().full_name(), "groundplan.watch.v1.EventKind", "{package} {name}");
        }
    }
}
