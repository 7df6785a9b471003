//! The distribution of measured values.

use serde_json::{Value, json};

/// Values in ascending order.
pub(crate) struct Shares(Vec<u64>);

impl Shares {
    pub(crate) fn new(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        Self(values)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the smallest value that at least `per_mille` ‰ of the values do not exceed.
    fn at(&self, per_mille: usize) -> u64 {
        let rank = (self.0.len() * per_mille).div_ceil(1_000).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    /// Returns percentiles and the maximum in milliseconds; the values must be nanoseconds.
    pub(crate) fn milliseconds(&self) -> Value {
        let of = |per_mille| milliseconds(self.at(per_mille));
        json!({ "p50": of(500), "p90": of(900), "p99": of(990), "p999": of(999), "max": of(1_000) })
    }
}

/// Converts nanoseconds to milliseconds with three decimal places.
fn milliseconds(nanoseconds: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "nobody measures for 100 days")]
    let microseconds = (nanoseconds / 1_000) as f64;
    microseconds / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_values_that_came() {
        let shares = Shares::new((1..=1_000).rev().map(|at| at * 1_000_000).collect());
        assert_eq!(
            shares.milliseconds(),
            json!({ "p50": 500.0, "p90": 900.0, "p99": 990.0, "p999": 999.0, "max": 1000.0 })
        );
        assert_eq!(Shares::new(vec![7_000]).milliseconds()["p50"], 0.007);
        assert_eq!(Shares::new(Vec::new()).milliseconds()["max"], 0.0);
    }
}
