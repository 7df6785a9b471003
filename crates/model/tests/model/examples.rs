//! The examples, from their text to services and SQL.

use crate::support::{ENTITY, LIBRARY, assert_golden, compile_files, example, sql};
use bytes::Bytes;
use groundplan_model::{Cardinality, Compiled, Input, Kind, MethodKind, StorageNames, compile, export, load, plan};

fn compiled(paths: &[&str]) -> Compiled {
    compile_files(example(paths)).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"))
}

#[test]
fn the_derived_entity_matches_the_golden_file() {
    let compiled = compiled(ENTITY);
    assert_eq!(compiled.derived.len(), 1);
    assert_eq!(compiled.derived[0].path, "example/v1/entity_service.proto");
    assert_golden("entity_service.proto", &compiled.derived[0].content);
    assert_golden("example.sql", &sql(&plan(None, &compiled.catalog).unwrap()));
}

#[test]
fn the_derived_library_matches_the_golden_file() {
    let compiled = compiled(LIBRARY);
    let paths: Vec<&str> = compiled.derived.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["author", "book", "publisher", "shelf"].map(|name| format!("library/v1/{name}_service.proto")));
    for file in &compiled.derived {
        assert_golden(file.path.rsplit('/').next().unwrap(), &file.content);
    }
    assert_golden("library.sql", &sql(&plan(None, &compiled.catalog).unwrap()));
}

#[test]
fn the_entity_has_the_expected_methods() {
    let catalog = compiled(ENTITY).catalog;
    let model = catalog.collection("v1", "resource").unwrap();
    assert_eq!(model.full_name, "example.v1.Entity");
    assert_eq!(model.comment, "A thing with a name and a number.");
    assert_eq!((model.singular_field.as_str(), model.plural_field.as_str()), ("entity", "entities"));
    assert_eq!(model.method_path(MethodKind::List), "/example.v1.EntityService/ListEntities");
    let method = catalog.method("/example.v1.EntityService/UpdateEntity").unwrap();
    assert_eq!((method.kind, method.model.name.as_str()), (MethodKind::Update, "Entity"));
    assert_eq!(catalog.method_paths().count(), MethodKind::ALL.len());
    let shape = model.shape();
    assert_eq!(shape.by_name("createdAt"), shape.by_name("created_at"));
    assert_eq!(shape.by_number(4), model.roles.created_at);
    assert!(shape.field(shape.by_number(4).unwrap()).behavior.output_only);
    assert!(catalog.pool.get_service_by_name("example.v1.EntityService").is_some());
}

#[test]
fn the_catalog_contains_every_shape_of_the_library() {
    let catalog = compiled(LIBRARY).catalog;
    let book = catalog.model("library.v1.Book").unwrap();
    let shape = book.shape();
    let field = |name: &str| shape.field(shape.by_name(name).unwrap());
    assert_eq!(field("printed").cardinality, Cardinality::Oneof(0));
    assert_eq!(shape.oneofs[0].members.len(), 3);
    assert_eq!(field("isbn").cardinality, Cardinality::Explicit);
    assert!(field("isbn").behavior.immutable && field("purchase_price").behavior.input_only);
    assert_eq!(field("prices").cardinality, Cardinality::Map(groundplan_model::MapKey::String));
    let Kind::Message(chapter) = field("chapters").kind else { panic!("chapters are messages") };
    let chapter = catalog.shapes.get(chapter);
    assert_eq!(chapter.full_name, "library.v1.Book.Chapter");
    assert_eq!(chapter.fields[2].kind, field("chapters").kind, "chapters have chapters");
    let Kind::Enum(genre) = field("genre").kind else { panic!("genre is an enum") };
    assert_eq!(catalog.shapes.enumeration(genre).name(2), Some("GENRE_HISTORY"));
    assert!(book.columns().all(|(_, field)| field.name != "etag"));
}

#[test]
fn a_stored_revision_loads_to_the_same_catalog() {
    let compiled = compiled(LIBRARY);
    let loaded = load(7, compiled.catalog.descriptor_set.clone(), &compiled.storage_names).unwrap();
    assert_eq!(loaded.revision, 7);
    for (loaded, model) in loaded.models.iter().zip(&compiled.catalog.models) {
        assert_eq!(format!("{:?}", loaded.shape().fields), format!("{:?}", model.shape().fields));
        assert_eq!((&loaded.full_name, &loaded.table, loaded.roles), (&model.full_name, &model.table, model.roles));
        assert_eq!(loaded.indexes, model.indexes);
    }
    assert!(plan(Some(&loaded), &compiled.catalog).unwrap().steps.is_empty());
    assert!(load(7, Bytes::from_static(b"\x0a\xff"), &compiled.storage_names).is_err());
}

#[test]
fn equal_input_gives_equal_bytes() {
    let mut files = example(LIBRARY);
    let one = compile_files(files.clone()).unwrap();
    files.reverse();
    let other = compile_files(files).unwrap();
    assert_eq!(one.catalog.descriptor_set, other.catalog.descriptor_set);
    assert_eq!(one.derived, other.derived);
}

#[test]
fn a_descriptor_set_gives_the_same_catalog() {
    let compiled = compiled(LIBRARY);
    // The upload of a user who compiled the models with buf: without the derived services.
    let mut set = prost_types::FileDescriptorSet::default();
    let mut raw: Vec<u8> = Vec::new();
    for file in compiled.catalog.pool.files().filter(|file| !file.name().ends_with("_service.proto")) {
        prost::encoding::bytes::encode(1, &file.encode_to_vec(), &mut raw);
        set.file.push(file.file_descriptor_proto().clone());
    }
    let other = compile(Input::DescriptorSet(raw.into()), &StorageNames::default()).unwrap();
    assert!(plan(Some(&compiled.catalog), &other.catalog).unwrap().steps.is_empty());
    assert_eq!(other.derived, compiled.derived);
}

#[test]
fn exported_files_compile_without_others() {
    let files = example(LIBRARY);
    let compiled = compile_files(files.clone()).unwrap();
    let exported = export(&compiled, &files);
    let paths: Vec<&str> = exported.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "buf.yaml",
            "buf/validate/validate.proto",
            "google/api/field_behavior.proto",
            "groundplan/model/v1/model.proto",
            "groundplan/query/v1/query.proto",
            "groundplan/watch/v1/watch.proto",
            "library/v1/author.proto",
            "library/v1/author_service.proto",
            "library/v1/book.proto",
            "library/v1/book_service.proto",
            "library/v1/publisher.proto",
            "library/v1/publisher_service.proto",
            "library/v1/shelf.proto",
            "library/v1/shelf_service.proto",
        ]
    );
    // The exported files compile again without the derived services. The journeys run `buf lint` over them.
    let models =
        exported.into_iter().filter(|file| file.path.ends_with(".proto") && !file.path.ends_with("_service.proto"));
    let again = compile_files(models.collect()).unwrap();
    assert!(plan(Some(&compiled.catalog), &again.catalog).unwrap().steps.is_empty());
}
