//! `google.protobuf.FieldMask` as data: paths in snake_case, which JSON writes in lowerCamelCase.

use crate::DecodeError;
use crate::error::shorten_name;

/// Rejects a path that JSON would change: lowerCamelCase can only represent a `_` before a letter.
pub(crate) fn check_path(path: &str) -> Result<(), DecodeError> {
    let survives_json = |(at, _): (usize, char)| {
        let before = path.get(..at).unwrap_or_default();
        let after = path.get(at + 1..).unwrap_or_default();
        !before.is_empty() && !before.ends_with('.') && after.starts_with(|letter: char| letter.is_ascii_lowercase())
    };
    let problem = if path.is_empty() {
        "an empty path; leave it out"
    } else if path.contains(',') {
        "a path with a comma; write one path for each field"
    } else if path.chars().any(char::is_uppercase) {
        "a path with capital letters; write paths in snake_case"
    } else if !path.char_indices().filter(|(_, letter)| *letter == '_').all(survives_json) {
        "a path that JSON would change: each `_` must be between a letter or digit and a lowercase letter"
    } else {
        return Ok(());
    };
    Err(invalid_path(problem, path))
}

/// Converts a path from JSON: `a.bC` is `a.b_c`.
pub(crate) fn parse_json_path(path: &str) -> Result<String, DecodeError> {
    if path.contains('_') {
        return Err(invalid_path("a path with `_`; JSON has paths in lowerCamelCase", path));
    }
    parse_object_path(path)
}

/// Converts a path from `{"paths": […]}`, which can also be in snake_case.
pub(crate) fn parse_object_path(path: &str) -> Result<String, DecodeError> {
    let snake = to_snake(path);
    check_path(&snake).map(|()| snake)
}

fn invalid_path(problem: &str, path: &str) -> DecodeError {
    DecodeError::new("field_mask", format!("has {problem} ({:?})", shorten_name(path)))
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

/// Converts a path to JSON: `a.b_c` is `a.bC`. A stored path that is no longer accepted, such as `a__b`, stays as it is.
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
    fn paths_survive_json() {
        for (snake, camel) in
            [("a", "a"), ("a.b_c", "a.bC"), ("created_at.x_y_z", "createdAt.xYZ"), ("f1_b", "f1B"), ("*", "*")]
        {
            assert_eq!(to_camel(snake), camel);
            assert_eq!(parse_json_path(camel).unwrap(), snake);
            check_path(snake).unwrap();
        }
    }

    #[test]
    fn paths_that_json_would_change_are_rejected() {
        for path in ["", "a,b", "fooBar", "_b", "a._b", "a__b", "f_1", "a_", "a_.b", "a_É"] {
            assert_eq!(check_path(path).unwrap_err().rule, "field_mask", "{path}");
        }
        for path in ["a_b", "_b", "B", "a.B", ""] {
            assert_eq!(parse_json_path(path).unwrap_err().rule, "field_mask", "{path}");
        }
    }
}
