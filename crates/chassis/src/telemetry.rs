//! Logs to standard error, and logs, traces and metrics to a collector when there is one.

pub(crate) mod exemplars;

use crate::settings::{LogFormat, TelemetrySettings};
use groundplan_error::{Error, Reason};
use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceId, TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::Registry;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

/// What the exporter itself uses: tracing it would make it export for ever.
const TRACE_FILTER: &str =
    "trace,h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,opentelemetry=off,opentelemetry_sdk=off";

/// The same, of logs.
const EXPORT_FILTER: &str =
    "h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,opentelemetry=off,opentelemetry_sdk=off";

// A library that logs by `log` says below INFO what is in statements and their values, and a collector's spans take every level.
const _: () = assert!(matches!(log::STATIC_MAX_LEVEL, log::LevelFilter::Info), "values of records would be logged");

/// Keeps telemetry going; dropping it sends what is still held back.
#[derive(Debug)]
#[must_use = "dropping it ends the traces and metrics"]
pub struct Telemetry {
    exporters: Option<CollectorExporters>,
    metrics: Option<SdkMeterProvider>,
    registry: Registry,
}

/// What goes to a collector besides metrics.
#[derive(Debug)]
struct CollectorExporters {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

impl Telemetry {
    /// What `/metrics` shows: empty if telemetry was started without it.
    pub fn registry(&self) -> Registry {
        self.registry.clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let metrics = self.metrics.take().map(|metrics| metrics.shutdown());
        let others = self.exporters.take().map(|exporters| [exporters.traces.shutdown(), exporters.logs.shutdown()]);
        for ended in metrics.into_iter().chain(others.into_iter().flatten()) {
            if let Err(error) = ended {
                tracing::warn!(%error, "the last traces, logs or metrics did not reach the collector");
            }
        }
    }
}

/// Whether statements of sampled traces name them.
static STATEMENTS_TRACED: AtomicBool = AtomicBool::new(false);

/// Whether somebody takes measurements.
static MEASURED: AtomicBool = AtomicBool::new(false);

/// Whether somebody takes measurements: a collector, or whoever asks for `/metrics`.
pub fn is_measured() -> bool {
    MEASURED.load(Ordering::Relaxed)
}

/// Starts logging; traces and logs when the settings name a collector; metrics for that one, and if `has_admin_port` for
/// Prometheus. Once a process, within the runtime and before services are mounted.
pub fn start(settings: &TelemetrySettings, service: &str, has_admin_port: bool) -> Result<Telemetry, Error> {
    let not_ready = |message: String| Error::new(Reason::NotReady, message);
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| {
        not_ready(format!("GROUNDPLAN_LOG {:?} is not a filter such as info: {error}", settings.log))
    })?;
    let resource = Resource::builder().with_service_name(format!("groundplan-{service}")).build();
    let exporters =
        settings.otlp_endpoint.as_deref().map(|endpoint| start_exporters(endpoint, &resource)).transpose()?;
    STATEMENTS_TRACED.store(settings.trace_statements && exporters.is_some(), Ordering::Relaxed);
    let (metrics, registry) = start_metrics(settings.otlp_endpoint.as_deref(), has_admin_port, resource)?;
    let spans = exporters.as_ref().map(|CollectorExporters { traces, .. }| {
        tracing_opentelemetry::layer()
            .with_tracer(traces.tracer("groundplan"))
            .with_filter(EnvFilter::new(TRACE_FILTER))
    });
    // No more than what the log has, and nothing of the exporter's own.
    let exported = EnvFilter::try_new(format!("{},{EXPORT_FILTER}", settings.log)).unwrap_or_default();
    let logs = exporters
        .as_ref()
        .map(|CollectorExporters { logs, .. }| OpenTelemetryTracingBridge::new(logs).with_filter(exported));
    tracing_subscriber::registry()
        .with(spans)
        .with(logs)
        .with(log_layer(settings.log_format).with_filter(filter))
        .try_init()
        .map_err(|error| not_ready(format!("logging has been started before: {error}")))?;
    Ok(Telemetry { exporters, metrics, registry })
}

/// The lines of the log.
fn log_layer<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Pretty => Box::new(layer.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))),
        LogFormat::Json => Box::new(layer.json().flatten_event(true)),
    }
}

/// What sends traces and logs to the collector, in batches.
fn start_exporters(endpoint: &str, resource: &Resource) -> Result<CollectorExporters, Error> {
    let invalid = |error| exporter_error(endpoint, error);
    let span_exporter =
        opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build().map_err(invalid)?;
    let log_exporter =
        opentelemetry_otlp::LogExporter::builder().with_tonic().with_endpoint(endpoint).build().map_err(invalid)?;
    let traces =
        SdkTracerProvider::builder().with_batch_exporter(span_exporter).with_resource(resource.clone()).build();
    let logs = SdkLoggerProvider::builder().with_batch_exporter(log_exporter).with_resource(resource.clone()).build();
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(CollectorExporters { traces, logs })
}

/// What gives metrics to the collector, once a minute (OTEL_METRIC_EXPORT_INTERVAL), and to whoever asks for `/metrics`.
fn start_metrics(
    endpoint: Option<&str>,
    has_admin_port: bool,
    resource: Resource,
) -> Result<(Option<SdkMeterProvider>, Registry), Error> {
    let registry = Registry::new();
    if endpoint.is_none() && !has_admin_port {
        return Ok((None, registry));
    }
    let mut builder = SdkMeterProvider::builder().with_resource(resource);
    if let Some(endpoint) = endpoint {
        let exporter = opentelemetry_otlp::MetricExporter::builder().with_tonic().with_endpoint(endpoint).build();
        builder = builder.with_periodic_exporter(exporter.map_err(|error| exporter_error(endpoint, error))?);
    }
    if has_admin_port {
        let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build();
        builder = builder.with_reader(reader.map_err(Error::internal)?);
    }
    let metrics = builder.build();
    opentelemetry::global::set_meter_provider(metrics.clone());
    MEASURED.store(true, Ordering::Relaxed);
    opentelemetry::global::meter("groundplan")
        .u64_observable_gauge("groundplan.build.info")
        .with_description("Always 1: its labels say what runs")
        .with_callback(|gauge| gauge.observe(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]))
        .build();
    Ok((Some(metrics), registry))
}

fn exporter_error(endpoint: &str, error: ExporterBuildError) -> Error {
    let message = format!("OTEL_EXPORTER_OTLP_ENDPOINT {endpoint:?} is not a collector such as http://localhost:4317");
    Error::new(Reason::PeerUnavailable, message).caused_by(error)
}

/// Makes `span` a child of the trace that the headers name (W3C `traceparent`). Without a collector it does nothing.
pub(crate) fn set_parent_from_headers(span: &Span, headers: &HeaderMap) {
    if headers.contains_key("traceparent") {
        let context =
            opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(headers)));
        // It fails only where there is no layer for traces.
        let _ = span.set_parent(context);
    }
}

/// The trace that a span is of: that of the collector, or the one that the caller names; none if there is neither.
pub(crate) fn trace_id(span: &Span, headers: &HeaderMap) -> Option<String> {
    let context = span.context();
    let ours = context.span().span_context().trace_id();
    if ours != TraceId::INVALID {
        return Some(ours.to_string());
    }
    // 00-<32 digits>-<16 digits>-<2 digits>
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let trace = parts.nth(1)?;
    let is_valid = trace.len() == 32 && trace.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (is_valid && trace != TraceId::INVALID.to_string()).then(|| trace.to_owned())
}

/// The comment that names a span before its statement (sqlcommenter's, but in front: PostgreSQL shows the beginnings of long ones),
/// where statements are traced and the span is sampled.
pub(crate) fn sql_comment(span: &Span) -> Option<String> {
    if !STATEMENTS_TRACED.load(Ordering::Relaxed) {
        return None;
    }
    let span_context = sampled_context(span)?;
    Some(format!("/*traceparent='00-{}-{}-01'*/ ", span_context.trace_id(), span_context.span_id()))
}

/// What a span is called outside, if a collector gets it.
pub(crate) fn sampled_context(span: &Span) -> Option<SpanContext> {
    let context = span.context();
    let span_context = context.span().span_context().clone();
    span_context.is_sampled().then_some(span_context)
}

/// Names the current trace in the headers of a request to a peer. Without a collector it does nothing.
pub(crate) fn inject_trace_context(headers: &mut HeaderMap) {
    let context = Span::current().context();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut HeaderInjector(headers));
    });
}

struct HeaderExtractor<'a>(&'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct HeaderInjector<'a>(&'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(key), http::HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{inject_trace_context, start};
    use crate::settings::{TelemetrySettings, defaults};
    use http::HeaderMap;

    #[test]
    fn a_wrong_setting_is_named() {
        let wrong = TelemetrySettings { log: "info,=,".to_owned(), ..defaults() };
        let error = start(&wrong, "test", false).unwrap_err().to_string();
        assert!(error.contains("GROUNDPLAN_LOG"), "{error}");
    }

    #[test]
    fn without_a_collector_nothing_is_sent_along() {
        let mut headers = HeaderMap::new();
        inject_trace_context(&mut headers);
        assert!(headers.is_empty());
    }
}
