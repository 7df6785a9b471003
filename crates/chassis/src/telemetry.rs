//! Logs to standard error, and traces to a collector when there is one.

use crate::settings::{LogFormat, TelemetrySettings};
use groundplan_error::{Error, Reason};
use http::HeaderMap;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
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
#[must_use = "dropping it ends the traces"]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.traces.take().map(|traces| traces.shutdown()) {
            tracing::warn!(%error, "the last traces did not reach the collector");
        }
    }
}

/// Starts logging, and tracing when the settings name a collector. Once a process, within the runtime.
pub fn start(settings: &TelemetrySettings, service: &str) -> Result<Telemetry, Error> {
    let wrong = |what: String| Error::new(Reason::NotReady, what);
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| wrong(format!("GROUNDPLAN_LOG {:?} is not a filter such as info: {error}", settings.log)))?;
    let traces = settings.otlp_endpoint.as_deref().map(|endpoint| exporter(endpoint, service)).transpose()?;
    let spans = traces.as_ref().map(|traces| {
        tracing_opentelemetry::layer().with_tracer(traces.tracer("groundplan")).with_filter(EnvFilter::new(NOT_TRACED))
    });
    tracing_subscriber::registry()
        .with(spans)
        .with(lines(settings.log_format).with_filter(filter))
        .try_init()
        .map_err(|error| wrong(format!("logging has been started before: {error}")))?;
    Ok(Telemetry { traces })
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

/// What sends traces to the collector, in batches.
fn exporter(endpoint: &str, service: &str) -> Result<SdkTracerProvider, Error> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|error| {
        let message =
            format!("OTEL_EXPORTER_OTLP_ENDPOINT {endpoint:?} is not a collector such as http://localhost:4317");
        Error::new(Reason::PeerUnavailable, message).caused_by(error)
    })?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let resource = Resource::builder().with_service_name(format!("groundplan-{service}")).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
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
