//! The example models.

use groundplan_model::{Catalog, Input, SourceFile, StorageNames, compile};
use std::fs::read_to_string;
use std::path::Path;

/// The model of the calls, by the path of its import.
pub(crate) const ENTITY: &str = "example/v1/entity.proto";

/// The files of the library.
const LIBRARY: [&str; 4] =
    ["library/v1/author.proto", "library/v1/book.proto", "library/v1/publisher.proto", "library/v1/shelf.proto"];

/// The text of a file.
pub(crate) fn source(path: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(path)).unwrap()
}

/// The catalog of the library.
pub(crate) fn library() -> Catalog {
    let files = LIBRARY.map(|path| SourceFile { path: path.to_owned(), content: source(path) });
    let compiled = compile(Input::Files(files.into()), &StorageNames::default());
    compiled.unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}")).catalog
}

/// A book with a field of most kinds, as JSON.
pub(crate) const BOOK: &str = r#"{
    "id": "018f0000-0000-7000-8000-000000000001", "title": "The sea and its shores", "isbn": "9780000000002",
    "author": "018f0000-0000-7000-8000-00000000000a", "contributors": ["018f0000-0000-7000-8000-00000000000b"],
    "publishTime": "2021-05-06T07:08:09.123456Z", "genre": "GENRE_SCIENCE", "pageCount": 412, "pagesRead": 17,
    "chapters": [
        {"title": "Tides", "firstPage": 1, "chapters": [{"title": "Springs", "firstPage": 9}]},
        {"title": "Currents", "firstPage": 120}
    ],
    "prices": {"NO": {"currency": "NOK", "amount": "39900"}, "DE": {"currency": "EUR", "amount": "3490"}},
    "ratings": [5, 4, 5, 3, 1], "printed": {"weightGrams": 640, "binding": "BINDING_HARDCOVER"},
    "summary": "What moves the water, and what the water moves.", "lendCount": "3"
}"#;
