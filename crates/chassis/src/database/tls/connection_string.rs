//! Extracts parameters from a connection string, with the syntax of tokio-postgres.

use percent_encoding::percent_decode_str;

/// Parameters with their values.
pub(in super::super) type ParameterPairs = Vec<(String, String)>;

/// Extracts the named parameters from a URL or from `key=value` pairs, and returns the rest. Invalid text is left in the rest,
/// for the parser to report.
pub(super) fn extract(text: &str, names: &[&str]) -> (String, ParameterPairs) {
    match ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        true => extract_from_url(text, names),
        false => extract_from_pairs(text, names),
    }
}

fn extract_from_url(url: &str, names: &[&str]) -> (String, ParameterPairs) {
    // A `?` in a password does not start the query.
    let (before, query) = url.split_at(url.find('@').unwrap_or(0));
    let Some((path, query)) = query.split_once('?') else { return (url.to_owned(), Vec::new()) };
    let (mut remaining, mut extracted) = (Vec::new(), Vec::new());
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        match decoded(name) {
            name if names.contains(&&*name) => extracted.push((name, decoded(value))),
            _ => remaining.push(parameter),
        }
    }
    let mark = if remaining.is_empty() { "" } else { "?" };
    (format!("{before}{path}{mark}{}", remaining.join("&")), extracted)
}

fn extract_from_pairs(text: &str, names: &[&str]) -> (String, ParameterPairs) {
    let (mut remaining, mut extracted, mut rest) = (String::new(), Vec::new(), text);
    while let Some((name, value, after)) = parse_pair(rest) {
        match names.contains(&name) {
            true => extracted.push((name.to_owned(), value)),
            false => remaining.push_str(rest.strip_suffix(after).unwrap_or(rest)),
        }
        rest = after;
    }
    (remaining + rest, extracted)
}

/// Parses the pair at the start of `text`, and returns the rest.
fn parse_pair(text: &str) -> Option<(&str, String, &str)> {
    let text = text.trim_start();
    let (name, rest) = text.split_at(text.find(|letter: char| letter.is_whitespace() || letter == '=')?);
    let (value, rest) = parse_value(rest.trim_start().strip_prefix('=')?.trim_start())?;
    Some((name, value, rest))
}

/// Parses the value at the start of `text`, quoted or not, and returns the rest.
fn parse_value(text: &str) -> Option<(String, &str)> {
    let (is_quoted, text) = text.strip_prefix('\'').map_or((false, text), |text| (true, text));
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            '\'' if is_quoted => return Some((value, text.split_at(at + 1).1)),
            letter if !is_quoted && letter.is_whitespace() => return Some((value, text.split_at(at).1)),
            letter => value.push(letter),
        }
    }
    (!is_quoted).then_some((value, ""))
}

#[cfg(test)]
mod tests {
    use super::extract;

    #[test]
    fn only_named_parameters_are_extracted() {
        for (text, rest, extracted) in [
            ("postgres://a:b@h/d", "postgres://a:b@h/d", ""),
            ("postgres://a:b@h/d?sslmode=x", "postgres://a:b@h/d", "sslmode=x"),
            ("postgresql://a:b?c@h/d?port=1&sslmode=x", "postgresql://a:b?c@h/d?port=1", "sslmode=x"),
            ("postgres://a@h?sslmode=x&options=-c%20a%3Db", "postgres://a@h?options=-c%20a%3Db", "sslmode=x"),
            ("postgres:///d?user=a&sslkey=%2Fa%20b", "postgres:///d?user=a", "sslkey=/a b"),
            ("postgres://a@h/d?sslmode", "postgres://a@h/d", "sslmode="),
            ("postgres://a@h/d?nothing", "postgres://a@h/d?nothing", ""),
            ("host=h sslmode=x user=a", "host=h user=a", "sslmode=x"),
            ("sslmode = 'x' host=h", " host=h", "sslmode=x"),
            (r"host=h sslkey='/a \'b' user=a", "host=h user=a", "sslkey=/a 'b"),
            (r"password='a sslmode=y' host=h sslkey=a\ b", "password='a sslmode=y' host=h", "sslkey=a b"),
            ("host=h sslmode='x", "host=h sslmode='x", ""),
            ("nonsense", "nonsense", ""),
        ] {
            let (left, pairs) = extract(text, &["sslmode", "sslkey"]);
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!((&*left, &*pairs.join(" ")), (rest, extracted), "{text}");
        }
    }
}
