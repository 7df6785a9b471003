//! Functions that derive names from other names.

/// The maximum length of a PostgreSQL identifier, in bytes; longer ones are truncated.
pub(crate) const MAX_IDENTIFIER: usize = 63;

/// Converts UpperCamelCase to snake_case: `LineItem` gives `line_item`, `HTTPServer` gives `http_server`.
pub(crate) fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, &character) in characters.iter().enumerate() {
        let previous = at.checked_sub(1).and_then(|before| characters.get(before));
        let next_is_lower = characters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let starts_word = character.is_ascii_uppercase()
            && previous.is_some_and(|previous| {
                previous.is_ascii_lowercase()
                    || previous.is_ascii_digit()
                    || (previous.is_ascii_uppercase() && next_is_lower)
            });
        if starts_word {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// Converts UpperCamelCase to lowerCamelCase: `LineItems` gives `lineItems`, `HTTPServers` gives `httpServers`.
pub(crate) fn lower_camel(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let uppers = characters.iter().take_while(|character| character.is_ascii_uppercase()).count();
    // The last of several capitals starts the next word.
    let first_word =
        if uppers > 1 && characters.get(uppers).is_some_and(char::is_ascii_lowercase) { uppers - 1 } else { uppers };
    characters
        .iter()
        .enumerate()
        .map(|(at, character)| if at < first_word { character.to_ascii_lowercase() } else { *character })
        .collect()
}

/// Converts snake_case to UpperCamelCase: `line_items` gives `LineItems`.
pub(crate) fn upper_camel(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters)
        })
        .collect()
}

/// Converts a field's name to its name in JSON, as protobuf does: `line_items` gives `lineItems`.
pub fn json_name(name: &str) -> String {
    let mut starts_word = false;
    let letters = name.chars().filter_map(|letter| {
        let starts = std::mem::replace(&mut starts_word, letter == '_');
        (letter != '_').then(|| if starts { letter.to_ascii_uppercase() } else { letter })
    });
    letters.collect()
}

/// Returns whether a name starts with a lower-case letter and consists of at most 63 lower-case letters, digits and
/// single `_` between them.
pub(crate) fn is_lower_snake(name: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= MAX_IDENTIFIER
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split('_').all(is_word)
}

/// Returns the plural of the last word: `Entity` gives `Entities`, `Box` gives `Boxes`, `BookShelf` gives
/// `BookShelves`, `Staff` stays the same.
pub(crate) fn plural(name: &str) -> String {
    let last = snake_case(name).rsplit('_').next().unwrap_or_default().len();
    let (start, word) = name.split_at_checked(name.len().saturating_sub(last)).unwrap_or(("", name));
    // A word of capitals is an abbreviation, which has no irregular plural.
    if !word.contains(|letter: char| letter.is_ascii_lowercase()) {
        return format!("{name}s");
    }
    format!("{start}{}", pluralizer::pluralize(word, 2, false))
}

/// Returns the version in a package's last part (`v1`, `v2beta1`), or `v1`.
pub(crate) fn version(package: &str) -> &str {
    let last = package.rsplit('.').next().unwrap_or_default();
    if is_version(last) { last } else { "v1" }
}

fn is_version(part: &str) -> bool {
    let Some(rest) = part.strip_prefix('v') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match rest.split_once("alpha").or_else(|| rest.split_once("beta")) {
        Some((major, minor)) => digits(major) && digits(minor),
        None => digits(rest),
    }
}

/// Returns whether a name starts with a letter and consists of at most 63 letters, digits, `-` and `_`.
pub(crate) fn is_resource(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Returns whether a name starts with a capital letter and consists of at most 63 letters and digits.
pub(crate) fn is_upper_camel(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns whether a name is an identifier of `.proto` files. Descriptor sets can contain any text.
pub(crate) fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns the candidate most similar to `name`, or `None` if no candidate is similar.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// Truncates a text to at most `limit` bytes, at a character boundary.
pub(crate) fn truncate(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_derived_from_names() {
        for (name, snake, many, resource) in [
            ("Entity", "entity", "Entities", "entities"),
            ("LineItem", "line_item", "LineItems", "lineItems"),
            ("HTTPServer", "http_server", "HTTPServers", "httpServers"),
            ("Box", "box", "Boxes", "boxes"),
            ("Day", "day", "Days", "days"),
            ("Branch", "branch", "Branches", "branches"),
            ("Book2Go", "book2_go", "Book2Gos", "book2Gos"),
            ("Api", "api", "Apis", "apis"),
            ("Shelf", "shelf", "Shelves", "shelves"),
            ("BookShelf", "book_shelf", "BookShelves", "bookShelves"),
            ("Staff", "staff", "Staff", "staff"),
            ("Child", "child", "Children", "children"),
            ("Person", "person", "People", "people"),
            ("Knife", "knife", "Knives", "knives"),
            ("Hero", "hero", "Heroes", "heroes"),
            ("City", "city", "Cities", "cities"),
            ("Key", "key", "Keys", "keys"),
            ("Status", "status", "Statuses", "statuses"),
            ("Series", "series", "Series", "series"),
            ("Photo", "photo", "Photos", "photos"),
            ("Address", "address", "Addresses", "addresses"),
            ("Analysis", "analysis", "Analyses", "analyses"),
            ("Index", "index", "Indices", "indices"),
            ("Quiz", "quiz", "Quizzes", "quizzes"),
            ("Leaf", "leaf", "Leaves", "leaves"),
            ("Roof", "roof", "Roofs", "roofs"),
            ("Human", "human", "Humans", "humans"),
            ("SalesOrder", "sales_order", "SalesOrders", "salesOrders"),
            ("ImageURL", "image_url", "ImageURLs", "imageURLs"),
            ("Book2", "book2", "Book2s", "book2s"),
        ] {
            assert_eq!(snake_case(name), snake);
            assert_eq!(plural(name), many);
            assert_eq!(lower_camel(many), resource);
        }
    }

    #[test]
    fn versions_are_the_last_part_of_a_package() {
        for (package, expected) in [
            ("a.v1", "v1"),
            ("a.v2beta1", "v2beta1"),
            ("a.v12alpha3", "v12alpha3"),
            ("a", "v1"),
            ("v3.a", "v1"),
            ("a.v", "v1"),
            ("a.v1beta", "v1"),
        ] {
            assert_eq!(version(package), expected, "{package}");
        }
    }
}
