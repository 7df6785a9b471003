//! The form of all limits, so that their list can be generated from the code that enforces them.

/// A limit for requests or responses. Each crate lists its limits, based on the constants that it checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The limited object, such as `a filter`.
    pub what: &'static str,
    /// The maximum.
    pub most: u64,
    pub unit: Unit,
    /// The effect of exceeding the limit, or the environment variable that changes it.
    pub note: &'static str,
}

/// The unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    /// A number of objects, with their plural.
    Things(&'static str),
}

impl Limit {
    /// Returns a limit in bytes.
    pub const fn bytes(what: &'static str, most: usize, note: &'static str) -> Self {
        Self { what, most: most as u64, unit: Unit::Bytes, note }
    }

    /// Returns a limit on a number of objects.
    pub const fn things(what: &'static str, most: usize, things: &'static str, note: &'static str) -> Self {
        Self { what, most: most as u64, unit: Unit::Things(things), note }
    }

    /// Returns the limit as text: `4 KiB`, `1,000 records`.
    pub fn text(&self) -> String {
        match self.unit {
            Unit::Bytes if self.most >= 1 << 20 && self.most.is_multiple_of(1 << 20) => {
                format!("{} MiB", self.most >> 20)
            }
            Unit::Bytes if self.most >= 1 << 10 && self.most.is_multiple_of(1 << 10) => {
                format!("{} KiB", self.most >> 10)
            }
            Unit::Bytes => format!("{} bytes", grouped(self.most)),
            Unit::Things(things) => format!("{} {things}", grouped(self.most)),
        }
    }
}

/// Groups digits by three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Limit, Unit};

    #[test]
    fn limits_read_well() {
        let text = |most, unit| Limit { what: "", most, unit, note: "" }.text();
        assert_eq!(text(4_096, Unit::Bytes), "4 KiB");
        assert_eq!(text(4 << 20, Unit::Bytes), "4 MiB");
        assert_eq!(text(2_500, Unit::Bytes), "2,500 bytes");
        assert_eq!(text(1_000_000, Unit::Things("values")), "1,000,000 values");
        assert_eq!(text(3, Unit::Things("steps")), "3 steps");
    }
}
