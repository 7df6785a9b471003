//! Converts the field paths in errors to JSON names: the names of the model, such as `displayName` for `display_name`, and those of
//! batches and commits, such as `updateMask`.

use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Kind, Shape};
use std::sync::Arc;

/// Converts an error about a record's fields.
pub(crate) fn of_record(model: &Model, error: Error) -> Error {
    error.renamed(|field| record_path(model, field))
}

/// Converts an error about a batch of records of one model, whose requests have their record under a key.
pub(crate) fn of_batch(model: &Model, error: Error) -> Error {
    let key = record_key(model);
    error.renamed(|field| {
        let Some((item, rest)) = split_element(field, "requests") else { return field.to_owned() };
        match split(rest) {
            (name, rest) if name == model.singular_field || name == key => {
                format!("{item}.{key}{}", after_record(model, rest))
            }
            (name, rest) => format!("{item}.{}{rest}", lower_camel(name)),
        }
    })
}

/// Converts an error about a commit, by the models of its writes.
pub(crate) fn of_commit(models: &[Arc<Model>], error: Error) -> Error {
    error.renamed(|field| {
        let Some((item, rest)) = split_element(field, "writes") else { return field.to_owned() };
        let at = item.trim_start_matches("writes[").trim_end_matches(']').parse::<usize>();
        let model = at.ok().and_then(|at| models.get(at));
        let (kind, rest) = split(rest);
        let (name, rest) = split(rest.strip_prefix('.').unwrap_or(rest));
        match (model, name) {
            (Some(model), "record") => format!("{item}.{kind}.record{}", after_record(model, rest)),
            (_, "") => format!("{item}.{kind}"),
            (_, name) => format!("{item}.{kind}.{}{rest}", lower_camel(name)),
        }
    })
}

/// The key of the record in a request of a batch, in lowerCamel.
pub(crate) fn record_key(model: &Model) -> String {
    let mut key = String::with_capacity(model.singular_field.len());
    for part in model.singular_field.split('_').filter(|part| !part.is_empty()) {
        let (first, rest) = part.split_at(part.chars().next().map_or(0, char::len_utf8));
        if key.is_empty() {
            key.push_str(first)
        } else {
            key.push_str(&first.to_uppercase())
        }
        key.push_str(rest);
    }
    key
}

/// The path of a record's field in JSON names.
pub(crate) fn record_path(model: &Model, path: &str) -> String {
    let mut named = String::with_capacity(path.len());
    let (mut shape, mut rest): (Option<&Shape>, _) = (Some(model.shape()), path);
    loop {
        let (name, after_name) = split(rest);
        let field = shape.and_then(|shape| shape.by_name(name).map(|id| shape.field(id)));
        named.push_str(field.map_or(name, |field| &field.json_name));
        shape = field.and_then(|field| match field.kind {
            Kind::Message(inner) => Some(model.shapes.get(inner)),
            _ => None,
        });
        let (indexes, after_indexes) = after_name.split_at(index_length(after_name));
        named.push_str(indexes);
        let Some(next) = after_indexes.strip_prefix('.') else {
            named.push_str(after_indexes);
            return named;
        };
        named.push('.');
        rest = next;
    }
}

/// The rest of a path after the record, with the leading `.`, if any.
fn after_record(model: &Model, rest: &str) -> String {
    match rest.strip_prefix('.') {
        Some(path) => format!(".{}", record_path(model, path)),
        None => rest.to_owned(),
    }
}

/// Splits a path within a list into the element, such as `requests[3]`, and the rest.
fn split_element<'a>(path: &'a str, list: &str) -> Option<(&'a str, &'a str)> {
    let inside = path.strip_prefix(list)?;
    let (item, rest) = path.split_at(list.len() + index_length(inside));
    Some((item, rest.strip_prefix('.')?))
}

/// Splits a path into its first name and the rest.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.find(['.', '[']).unwrap_or(path.len()))
}

/// The length of the indexes and map keys at the start of a text: `[2]`, `["a.b"]`. Keys are quoted as in Rust.
fn index_length(text: &str) -> usize {
    let (mut is_inside, mut is_quoted, mut is_escaped) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' if is_inside => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b'[' if !is_inside => is_inside = true,
            b']' if is_inside => is_inside = false,
            _ if is_inside => {}
            _ => return at,
        }
    }
    text.len()
}

/// The JSON name of a field of a request.
fn lower_camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut is_word_start = false;
    for letter in name.chars() {
        match letter {
            '_' => is_word_start = true,
            letter if is_word_start => {
                camel.extend(letter.to_uppercase());
                is_word_start = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::{index_length, lower_camel, split_element};

    #[test]
    fn indexes_end_where_a_name_can_start() {
        for (text, length) in [
            ("", 0),
            (".a", 0),
            ("[2].zip", 3),
            ("[2][\"a\"].x", 8),
            ("[\"a].b\"].c", 8),
            (r#"["a\"].b"].c"#, 10),
            ("[\"open", 6),
        ] {
            assert_eq!(index_length(text), length, "{text}");
        }
        assert_eq!(split_element("requests[3].book.title", "requests"), Some(("requests[3]", "book.title")));
        assert_eq!(split_element("requests", "requests"), None);
    }

    #[test]
    fn names_of_requests() {
        assert_eq!(["update_mask", "id", "allowMissing"].map(lower_camel), ["updateMask", "id", "allowMissing"]);
    }
}
