//! `google.protobuf.FieldMask` as data: paths in snake_case, which JSON writes in lowerCamel.

use crate::DecodeError;
use crate::error::shown;

/// Refuses a path that JSON could not give back.
pub(crate) fn check(path: &str) -> Result<(), DecodeError> {
    let wrong = if path.is_empty() {
        "an empty path; leave it out"
    } else if path.contains(',') {
        "a path with a comma; write one path for each field"
    } else if path.chars().any(char::is_uppercase) {
        "a path with capital letters; write paths in snake_case"
    } else {
        return Ok(());
    };
    Err(DecodeError::new("field_mask", format!("has {wrong} ({:?})", shown(path))))
}

/// A path from JSON: `a.bC` is `a.b_c`.
pub(crate) fn to_snake(path: &str) -> String {
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

/// A path for JSON: `a.b_c` is `a.bC`. A path for which there is no way back, such as `a__b`, stays as it is.
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
        for (snake, camel) in [
            ("a", "a"),
            ("a.b_c", "a.bC"),
            ("created_at.x_y_z", "createdAt.xYZ"),
            ("a__b", "a__b"),
            ("f_1", "f_1"),
            ("_a", "A"),
            ("a_", "a_"),
            ("*", "*"),
        ] {
            assert_eq!(to_camel(snake), camel);
            assert_eq!(to_snake(camel), snake);
        }
    }

    #[test]
    fn paths_that_json_cannot_hold_are_refused() {
        for path in ["", "a,b", "fooBar"] {
            assert_eq!(check(path).unwrap_err().rule, "field_mask");
        }
        assert!(check("a.b_c").is_ok());
    }
}
