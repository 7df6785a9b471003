//! `google.protobuf.FieldMask` as data: paths in snake_case, which JSON writes in lowerCamel.

use crate::DecodeError;
use crate::error::shown;

/// Refuses a path that would be another one after it was JSON, in whichever library: JSON has no `_`, so that each must have a
/// letter after it to be known by.
pub(crate) fn check(path: &str) -> Result<(), DecodeError> {
    let is_known = |(at, _): (usize, char)| {
        let before = path.get(..at).unwrap_or_default();
        let behind = path.get(at + 1..).unwrap_or_default();
        !before.is_empty() && !before.ends_with('.') && behind.starts_with(|letter: char| letter.is_ascii_lowercase())
    };
    let wrong = if path.is_empty() {
        "an empty path; leave it out"
    } else if path.contains(',') {
        "a path with a comma; write one path for each field"
    } else if path.chars().any(char::is_uppercase) {
        "a path with capital letters; write paths in snake_case"
    } else if !path.char_indices().filter(|(_, letter)| *letter == '_').all(is_known) {
        "a path that JSON would change: each `_` stands between a letter or digit and a small letter"
    } else {
        return Ok(());
    };
    Err(refused(wrong, path))
}

/// A path from JSON: `a.bC` is `a.b_c`.
pub(crate) fn of_json(path: &str) -> Result<String, DecodeError> {
    if path.contains('_') {
        return Err(refused("a path with `_`; JSON has paths in lowerCamelCase", path));
    }
    of_object(path)
}

/// A path from `{"paths": […]}`, which may be as it is in protobuf.
pub(crate) fn of_object(path: &str) -> Result<String, DecodeError> {
    let snake = to_snake(path);
    check(&snake).map(|()| snake)
}

fn refused(wrong: &str, path: &str) -> DecodeError {
    DecodeError::new("field_mask", format!("has {wrong} ({:?})", shown(path)))
}

fn to_snake(path: &str) -> String {
    let mut snake = String::with_capacity(path.len() + 4);
    for letter in path.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
            snake.push(letter.to_ascii_lowercase());
        } else {
            snake.push(letter);
        }
    }
    snake
}

/// A path for JSON: `a.b_c` is `a.bC`. One that was stored before it was refused, such as `a__b`, stays as it is.
pub(crate) fn to_camel(path: &str) -> String {
    let mut camel = String::with_capacity(path.len());
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        if letter != '_' {
            camel.push(letter);
            continue;
        }
        match letters.next() {
            Some(next) if next.is_ascii_lowercase() => camel.push(next.to_ascii_uppercase()),
            _ => return path.to_owned(),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_from_json() {
        for (snake, camel) in
            [("a", "a"), ("a.b_c", "a.bC"), ("created_at.x_y_z", "createdAt.xYZ"), ("f1_b", "f1B"), ("*", "*")]
        {
            assert_eq!(to_camel(snake), camel);
            assert_eq!(of_json(camel).unwrap(), snake);
            check(snake).unwrap();
        }
    }

    #[test]
    fn paths_that_json_would_change_are_refused() {
        for path in ["", "a,b", "fooBar", "_b", "a._b", "a__b", "f_1", "a_", "a_.b", "a_É"] {
            assert_eq!(check(path).unwrap_err().rule, "field_mask", "{path}");
        }
        for path in ["a_b", "_b", "B", "a.B", ""] {
            assert_eq!(of_json(path).unwrap_err().rule, "field_mask", "{path}");
        }
    }
}
