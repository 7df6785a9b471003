//! Exemplars: for each bucket of the call duration, the last call of a sampled trace, so that slow buckets link to a call.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The exemplars of the process.
pub(crate) static EXEMPLARS: LazyLock<Exemplars> = LazyLock::new(Exemplars::default);

/// A service and one of its methods. The labels of the metric limit their number.
type Method = (Cow<'static, str>, Cow<'static, str>);

/// The exemplars of one metric.
#[derive(Debug, Default)]
pub(crate) struct Exemplars(Mutex<HashMap<Method, Vec<Option<Exemplar>>>>);

/// A call of a sampled trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) trace_id: String,
    pub(crate) seconds: f64,
    /// When the response started, in seconds since the Unix epoch.
    pub(crate) answered_at: f64,
}

impl Exemplars {
    /// Records a call as the exemplar of its bucket; `bounds` are the upper bounds of all buckets but the last.
    pub(crate) fn record(&self, method: Method, bounds: &[f64], seconds: f64, trace_id: String) {
        let answered_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let buckets = all.entry(method).or_insert_with(|| vec![None; bounds.len() + 1]);
        if let Some(bucket) = buckets.get_mut(bounds.partition_point(|bound| *bound < seconds)) {
            *bucket = Some(Exemplar { trace_id, seconds, answered_at });
        }
    }

    /// Returns the exemplars of a method, by bucket; empty before its first call of a sampled trace.
    pub(crate) fn for_method(&self, service: &str, method: &str) -> Vec<Option<Exemplar>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let method = (Cow::Owned(service.to_owned()), Cow::Owned(method.to_owned()));
        all.get(&method).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Exemplars;

    #[test]
    fn a_bucket_keeps_its_last_call() {
        let exemplars = Exemplars::default();
        for (seconds, trace_id) in [(0.5, "a"), (1.0, "b"), (1.1, "c"), (9.0, "d")] {
            exemplars.record(("service".into(), "method".into()), &[1.0, 2.0], seconds, trace_id.to_owned());
        }
        let buckets = exemplars.for_method("service", "method");
        let traces: Vec<_> = buckets.into_iter().map(|exemplar| exemplar.map(|exemplar| exemplar.trace_id)).collect();
        assert_eq!(traces, [Some("b".to_owned()), Some("c".to_owned()), Some("d".to_owned())]);
        assert_eq!(exemplars.for_method("service", "other"), []);
    }
}
