//! Metrics in the OpenMetrics 1.0 format, the only one in which Prometheus accepts exemplars. The registry's library writes only
//! the older format.

use crate::telemetry::exemplars::{Exemplar, Exemplars};
use prometheus::proto::{Histogram, LabelPair, Metric, MetricFamily, MetricType};
use std::fmt::Write as _;

/// The media type of the format.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metric that has exemplars.
const CALL_DURATION: &str = "groundplan_call_duration_seconds";

/// Formats all metrics.
pub(super) fn format(families: &[MetricFamily], exemplars: &Exemplars) -> String {
    let mut out = String::new();
    for family in families {
        // OpenMetrics names the family of a counter without the suffix `_total` of its samples.
        let name = family.name().strip_suffix("_total").unwrap_or(family.name());
        let kind = match family.get_field_type() {
            MetricType::COUNTER => "counter",
            MetricType::GAUGE => "gauge",
            MetricType::HISTOGRAM => "histogram",
            MetricType::SUMMARY | MetricType::UNTYPED => "unknown",
        };
        push_line(&mut out, format_args!("# TYPE {name} {kind}"));
        push_line(&mut out, format_args!("# HELP {name} {}", escape(family.help())));
        for metric in family.get_metric() {
            sample(&mut out, name, family.get_field_type(), metric, exemplars);
        }
    }
    push_line(&mut out, format_args!("# EOF"));
    out
}

fn sample(out: &mut String, name: &str, kind: MetricType, metric: &Metric, exemplars: &Exemplars) {
    let labels = metric.get_label();
    match kind {
        MetricType::COUNTER => {
            push_line(
                out,
                format_args!("{name}_total{} {}", label_set(labels, None), metric.get_counter().get_value()),
            );
        }
        MetricType::GAUGE => {
            push_line(out, format_args!("{name}{} {}", label_set(labels, None), metric.get_gauge().get_value()))
        }
        MetricType::HISTOGRAM => histogram(out, name, labels, metric.get_histogram(), exemplars),
        // Groundplan has no such metrics.
        MetricType::SUMMARY | MetricType::UNTYPED => {}
    }
}

fn histogram(out: &mut String, name: &str, labels: &[LabelPair], histogram: &Histogram, exemplars: &Exemplars) {
    let label = |name: &str| labels.iter().find(|label| label.name() == name).map(LabelPair::value).unwrap_or_default();
    let exemplars =
        if name == CALL_DURATION { exemplars.for_method(label("service"), label("method")) } else { Vec::new() };
    let counted = histogram.get_bucket().iter().map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
    let counted = counted.filter(|(bound, _)| bound.is_finite()).map(|(bound, count)| (bound.to_string(), count));
    let last = [("+Inf".to_owned(), histogram.get_sample_count())];
    for (index, (bound, count)) in counted.chain(last).enumerate() {
        let suffix = exemplars.get(index).and_then(Option::as_ref).map(exemplar_suffix).unwrap_or_default();
        push_line(out, format_args!("{name}_bucket{} {count}{suffix}", label_set(labels, Some(&bound))));
    }
    push_line(out, format_args!("{name}_sum{} {}", label_set(labels, None), histogram.get_sample_sum()));
    push_line(out, format_args!("{name}_count{} {}", label_set(labels, None), histogram.get_sample_count()));
}

fn exemplar_suffix(exemplar: &Exemplar) -> String {
    format!(" # {{trace_id=\"{}\"}} {} {:.3}", exemplar.trace_id, exemplar.seconds, exemplar.answered_at)
}

/// Formats labels in braces, with the bound of a bucket last.
fn label_set(labels: &[LabelPair], bound: Option<&str>) -> String {
    let own = labels.iter().map(|label| (label.name(), label.value()));
    let all: Vec<String> = own
        .chain(bound.map(|bound| ("le", bound)))
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn push_line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{CALL_DURATION, format};
    use crate::telemetry::exemplars::Exemplars;
    use prometheus::{Counter, Gauge, HistogramOpts, HistogramVec, Opts, Registry};

    #[test]
    fn all_kinds_of_metrics_are_written() {
        let registry = Registry::new();
        let counter = Counter::with_opts(Opts::new("calls_total", "Calls").const_label("who", "a \"b\"\n")).unwrap();
        let gauge = Gauge::new("open", "Open").unwrap();
        let options = HistogramOpts::new(CALL_DURATION, "How long").buckets(vec![0.5, 1.0]);
        let histogram = HistogramVec::new(options, &["service", "method"]).unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        registry.register(Box::new(gauge.clone())).unwrap();
        registry.register(Box::new(histogram.clone())).unwrap();
        counter.inc();
        gauge.set(2.5);
        let (exemplars, labels) = (Exemplars::default(), ["s", "m"]);
        for seconds in [0.25, 3.0] {
            histogram.with_label_values(&labels).observe(seconds);
        }
        exemplars.record(("s".into(), "m".into()), &[0.5, 1.0], 3.0, "0af7".to_owned());
        let at = exemplars.for_method("s", "m")[2].as_ref().unwrap().answered_at;
        let expected = format!(
            "# TYPE calls counter\n# HELP calls Calls\ncalls_total{{who=\"a \\\"b\\\"\\n\"}} 1\n\
             # TYPE {CALL_DURATION} histogram\n# HELP {CALL_DURATION} How long\n\
             {CALL_DURATION}_bucket{{method=\"m\",service=\"s\",le=\"0.5\"}} 1\n\
             {CALL_DURATION}_bucket{{method=\"m\",service=\"s\",le=\"1\"}} 1\n\
             {CALL_DURATION}_bucket{{method=\"m\",service=\"s\",le=\"+Inf\"}} 2 # {{trace_id=\"0af7\"}} 3 {at:.3}\n\
             {CALL_DURATION}_sum{{method=\"m\",service=\"s\"}} 3.25\n{CALL_DURATION}_count{{method=\"m\",service=\"s\"}} 2\n\
             # TYPE open gauge\n# HELP open Open\nopen 2.5\n# EOF\n"
        );
        assert_eq!(format(&registry.gather(), &exemplars), expected);
    }
}
