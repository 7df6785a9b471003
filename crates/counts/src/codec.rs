//! Encodings of a book, in both directions.

use crate::case::Case;
use crate::models::BOOK;
use groundplan_budget::Budget;
use groundplan_codec::{Record, json, wire};
use groundplan_model::Catalog;
use std::hint::black_box;

/// A book of the library, decoded.
pub(crate) fn book(catalog: &Catalog) -> Record {
    let shape = catalog.shapes.by_name("library.v1.Book").unwrap();
    json::decode(&catalog.shapes, shape, BOOK.as_bytes(), &Budget::default()).unwrap().record
}

pub(crate) fn cases(catalog: &Catalog) -> Vec<Case<'_>> {
    let shapes = &*catalog.shapes;
    let shape = shapes.by_name("library.v1.Book").unwrap();
    let record = book(catalog);
    let mut bytes = Vec::new();
    wire::encode(shapes, shape, &record, &mut bytes);
    let (for_wire, for_json) = (record.clone(), record);
    vec![
        Case::pure("codec.wire_decode", move || {
            black_box(wire::decode(shapes, shape, &bytes, &Budget::default()).unwrap());
        }),
        Case::pure("codec.wire_encode", move || {
            let mut out = Vec::new();
            wire::encode(shapes, shape, &for_wire, &mut out);
            black_box(out);
        }),
        Case::pure("codec.json_decode", move || {
            black_box(json::decode(shapes, shape, BOOK.as_bytes(), &Budget::default()).unwrap());
        }),
        Case::pure("codec.json_encode", move || {
            let mut out = Vec::new();
            json::encode(shapes, shape, &for_json, &mut out);
            black_box(out);
        }),
    ]
}
