//! Fields in refusals, by the names that JSON has for them: the model's own, such as `displayName` for `display_name`, and those of
//! batches and commits, such as `updateMask`.

use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::{Kind, Shape};
use std::sync::Arc;

/// A refusal of a record's fields.
pub(crate) fn of_record(model: &Model, error: Error) -> Error {
    error.renamed(|field| record_path(model, field))
}

/// A refusal of a batch of records of one model, whose requests have their record under a key.
pub(crate) fn of_batch(model: &Model, error: Error) -> Error {
    let key = record_key(model);
    error.renamed(|field| {
        let Some((item, rest)) = within(field, "requests") else { return field.to_owned() };
        match split(rest) {
            (name, rest) if name == model.singular_field || name == key => {
                format!("{item}.{key}{}", behind(model, rest))
            }
            (name, rest) => format!("{item}.{}{rest}", lower_camel(name)),
        }
    })
}

/// A refusal of a commit, by the models of its writes.
pub(crate) fn of_commit(models: &[Arc<Model>], error: Error) -> Error {
    error.renamed(|field| {
        let Some((item, rest)) = within(field, "writes") else { return field.to_owned() };
        let at = item.trim_start_matches("writes[").trim_end_matches(']').parse::<usize>();
        let model = at.ok().and_then(|at| models.get(at));
        let (kind, rest) = split(rest);
        let (name, rest) = split(rest.strip_prefix('.').unwrap_or(rest));
        match (model, name) {
            (Some(model), "record") => format!("{item}.{kind}.record{}", behind(model, rest)),
            (_, "") => format!("{item}.{kind}"),
            (_, name) => format!("{item}.{kind}.{}{rest}", lower_camel(name)),
        }
    })
}

/// The name of the key that a request has its record under, in lowerCamel.
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

/// The path of a field of a record.
pub(crate) fn record_path(model: &Model, path: &str) -> String {
    let mut named = String::with_capacity(path.len());
    let (mut shape, mut rest): (Option<&Shape>, _) = (Some(model.shape()), path);
    loop {
        let (name, behind) = split(rest);
        let field = shape.and_then(|shape| shape.by_name(name).map(|id| shape.field(id)));
        named.push_str(field.map_or(name, |field| &field.json_name));
        shape = field.and_then(|field| match field.kind {
            Kind::Message(inner) => Some(model.shapes.get(inner)),
            _ => None,
        });
        let (places, behind) = behind.split_at(places(behind));
        named.push_str(places);
        let Some(next) = behind.strip_prefix('.') else {
            named.push_str(behind);
            return named;
        };
        named.push('.');
        rest = next;
    }
}

/// What follows the record in a path, with its `.` in front if it has one.
fn behind(model: &Model, rest: &str) -> String {
    match rest.strip_prefix('.') {
        Some(path) => format!(".{}", record_path(model, path)),
        None => rest.to_owned(),
    }
}

/// A path within an element of a list: the element, such as `requests[3]`, and what leads on from it.
fn within<'a>(path: &'a str, list: &str) -> Option<(&'a str, &'a str)> {
    let inside = path.strip_prefix(list)?;
    let (item, rest) = path.split_at(list.len() + places(inside));
    Some((item, rest.strip_prefix('.')?))
}

/// The name at the beginning of a path, and the rest.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.find(['.', '[']).unwrap_or(path.len()))
}

/// The length of the places in lists and maps at the beginning of a text: `[2]`, `["a.b"]`. Keys are quoted as in Rust.
fn places(text: &str) -> usize {
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

/// The name that JSON has for a field of a request.
fn lower_camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut is_behind = false;
    for letter in name.chars() {
        match letter {
            '_' => is_behind = true,
            letter if is_behind => {
                camel.extend(letter.to_uppercase());
                is_behind = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::{lower_camel, places, within};

    #[test]
    fn places_end_where_a_name_may_begin() {
        for (text, length) in [
            ("", 0),
            (".a", 0),
            ("[2].zip", 3),
            ("[2][\"a\"].x", 8),
            ("[\"a].b\"].c", 8),
            (r#"["a\"].b"].c"#, 10),
            ("[\"open", 6),
        ] {
            assert_eq!(places(text), length, "{text}");
        }
        assert_eq!(within("requests[3].book.title", "requests"), Some(("requests[3]", "book.title")));
        assert_eq!(within("requests", "requests"), None);
    }

    #[test]
    fn names_of_requests() {
        assert_eq!(["update_mask", "id", "allowMissing"].map(lower_camel), ["updateMask", "id", "allowMissing"]);
    }
}
