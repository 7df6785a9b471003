//! Logs to standard error, and traces and metrics to a collector when there is one.

use crate::settings::{LogFormat, TelemetrySettings};
use groundplan_error::{Error, Reason};
use http::HeaderMap;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

/// What the exporter itself uses: tracing it would make it export for ever.
const NOT_TRACED: &str =
    "trace,h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,opentelemetry=off,opentelemetry_sdk=off";

/// Keeps telemetry going; dropping it sends what is still held back.
#[derive(Debug)]
#[must_use = "dropping it ends the traces and metrics"]
pub struct Telemetry {
    collected: Option<Collected>,
}

/// What goes to a collector.
#[derive(Debug)]
struct Collected {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let Some(Collected { traces, metrics }) = self.collected.take() else { return };
        for ended in [metrics.shutdown(), traces.shutdown()] {
            if let Err(error) = ended {
                tracing::warn!(%error, "the last traces or metrics did not reach the collector");
            }
        }
    }
}

/// Starts logging, and traces and metrics when the settings name a collector. Once a process, within the runtime.
pub fn start(settings: &TelemetrySettings, service: &str) -> Result<Telemetry, Error> {
    let wrong = |what: String| Error::new(Reason::NotReady, what);
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| wrong(format!("GROUNDPLAN_LOG {:?} is not a filter such as info: {error}", settings.log)))?;
    let collected = settings.otlp_endpoint.as_deref().map(|endpoint| collect(endpoint, service)).transpose()?;
    let spans = collected.as_ref().map(|Collected { traces, .. }| {
        tracing_opentelemetry::layer().with_tracer(traces.tracer("groundplan")).with_filter(EnvFilter::new(NOT_TRACED))
    });
    tracing_subscriber::registry()
        .with(spans)
        .with(lines(settings.log_format).with_filter(filter))
        .try_init()
        .map_err(|error| wrong(format!("logging has been started before: {error}")))?;
    Ok(Telemetry { collected })
}

/// The lines of the log.
fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Pretty => Box::new(lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))),
        LogFormat::Json => Box::new(lines.json().flatten_event(true)),
    }
}

/// What sends traces and metrics to the collector: traces in batches, metrics once a minute (OTEL_METRIC_EXPORT_INTERVAL).
fn collect(endpoint: &str, service: &str) -> Result<Collected, Error> {
    let wrong = |error: ExporterBuildError| {
        let message =
            format!("OTEL_EXPORTER_OTLP_ENDPOINT {endpoint:?} is not a collector such as http://localhost:4317");
        Error::new(Reason::PeerUnavailable, message).caused_by(error)
    };
    let spans = opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let numbers = opentelemetry_otlp::MetricExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let resource = Resource::builder().with_service_name(format!("groundplan-{service}")).build();
    let traces =
        SdkTracerProvider::builder().with_batch_exporter(spans.map_err(wrong)?).with_resource(resource.clone());
    let metrics = SdkMeterProvider::builder().with_periodic_exporter(numbers.map_err(wrong)?).with_resource(resource);
    let collected = Collected { traces: traces.build(), metrics: metrics.build() };
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    opentelemetry::global::set_meter_provider(collected.metrics.clone());
    Ok(collected)
}

/// Makes `span` a child of the trace that the headers name (W3C `traceparent`). Without a collector it does nothing.
pub(crate) fn follow(span: &Span, headers: &HeaderMap) {
    if headers.contains_key("traceparent") {
        let context =
            opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&Incoming(headers)));
        // It fails only where there is no layer for traces.
        let _ = span.set_parent(context);
    }
}

/// Names the current trace in the headers of a request to a peer. Without a collector it does nothing.
pub(crate) fn inject(headers: &mut HeaderMap) {
    let context = Span::current().context();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut Outgoing(headers));
    });
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(key), http::HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{inject, start};
    use crate::settings::{TelemetrySettings, defaults};
    use http::HeaderMap;

    #[test]
    fn a_wrong_setting_is_named() {
        let wrong = TelemetrySettings { log: "info,=,".to_owned(), ..defaults() };
        let error = start(&wrong, "test").unwrap_err().to_string();
        assert!(error.contains("GROUNDPLAN_LOG"), "{error}");
    }

    #[test]
    fn without_a_collector_nothing_is_sent_along() {
        let mut headers = HeaderMap::new();
        inject(&mut headers);
        assert!(headers.is_empty());
    }
}
