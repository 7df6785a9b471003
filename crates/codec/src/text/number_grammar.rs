//! JSON's grammar of numbers.

/// Returns the length of the JSON number at the start of a text.
pub(super) fn number_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(byte(0) == Some(b'-'));
    let integral = digits(at);
    if integral == 0 || (integral > 1 && byte(at) == Some(b'0')) {
        return None;
    }
    at += integral;
    if byte(at) == Some(b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if let Some(b'e' | b'E') = byte(at) {
        let sign = usize::from(matches!(byte(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

/// Whether a text is a JSON number.
pub(super) fn is_number(text: &str) -> bool {
    number_length(text) == Some(text.len())
}
