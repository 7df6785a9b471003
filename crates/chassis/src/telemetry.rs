//! Logs to standard error, and logs, traces and metrics to a collector if one is set.

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

/// Leaves out the libraries of the exporter: tracing them would create an endless loop.
const TRACE_FILTER: &str =
    "trace,h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,opentelemetry=off,opentelemetry_sdk=off";

/// Leaves them out of exported logs, too.
const EXPORT_FILTER: &str =
    "h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,opentelemetry=off,opentelemetry_sdk=off";

// Libraries that use `log` write statements with their values below INFO, and spans for a collector take every level.
const _: () = assert!(matches!(log::STATIC_MAX_LEVEL, log::LevelFilter::Info), "values of records would be logged");

/// Running telemetry; dropping it flushes the exporters.
#[derive(Debug)]
#[must_use = "dropping it ends the traces and metrics"]
pub struct Telemetry {
    exporters: Option<CollectorExporters>,
    metrics: Option<SdkMeterProvider>,
    registry: Registry,
}

/// The exporters of traces and logs.
#[derive(Debug)]
struct CollectorExporters {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

impl Telemetry {
    /// Returns the metrics of `/metrics`: empty if telemetry was started without an admin port.
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

/// Whether statements of sampled traces have a comment that names the trace.
static STATEMENTS_TRACED: AtomicBool = AtomicBool::new(false);

/// Whether metrics have a consumer.
static MEASURED: AtomicBool = AtomicBool::new(false);

/// Returns whether metrics have a consumer: a collector, or the admin port.
pub fn is_measured() -> bool {
    MEASURED.load(Ordering::Relaxed)
}

/// Starts logging, and exports traces and logs if the settings name a collector. Metrics go to the collector, and to Prometheus
/// if `has_admin_port`. Call it once for a process, within the runtime and before services are mounted.
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
    // No more than the local log, and nothing of the exporter itself.
    let exported = EnvFilter::try_new(format!("{},{EXPORT_FILTER}", settings.log)).unwrap_or_default();
    let logs = exporters
        .as_ref()
        .map(|CollectorExporters { logs, .. }| OpenTelemetryTracingBridge::new(logs).with_filter(exported));
    tracing_subscriber::registry()
        .with(spans)
        .with(logs)
        .with(log_layer(settings.log_format).with_filter(filter))
        .try_init()
        .map_err(|error| not_ready(format!("logging is already started: {error}")))?;
    Ok(Telemetry { exporters, metrics, registry })
}

/// Returns the layer that writes log lines.
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

/// Creates the exporters of traces and logs to the collector, which send batches.
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

/// Creates the exporters of metrics: to the collector once a minute (OTEL_METRIC_EXPORT_INTERVAL), and for `/metrics`.
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
        .with_description("Always 1: its labels describe the build")
        .with_callback(|gauge| gauge.observe(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]))
        .build();
    Ok((Some(metrics), registry))
}

fn exporter_error(endpoint: &str, error: ExporterBuildError) -> Error {
    let message = format!("OTEL_EXPORTER_OTLP_ENDPOINT {endpoint:?} is not a collector such as http://localhost:4317");
    Error::new(Reason::PeerUnavailable, message).caused_by(error)
}

/// Makes `span` a child of the trace in the headers (W3C `traceparent`). Does nothing without a collector.
pub(crate) fn set_parent_from_headers(span: &Span, headers: &HeaderMap) {
    if headers.contains_key("traceparent") {
        let context =
            opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(headers)));
        // It fails only without a layer for traces.
        let _ = span.set_parent(context);
    }
}

/// Returns the trace id of a span: that of the collector, or the one in the headers; none if neither exists.
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

/// Returns the SQL comment that names a sampled span, if that is enabled. sqlcommenter appends it, but here it comes first:
/// PostgreSQL truncates long statements at their end.
pub(crate) fn sql_comment(span: &Span) -> Option<String> {
    if !STATEMENTS_TRACED.load(Ordering::Relaxed) {
        return None;
    }
    let span_context = sampled_context(span)?;
    Some(format!("/*traceparent='00-{}-{}-01'*/ ", span_context.trace_id(), span_context.span_id()))
}

/// Returns the context of a span, if it is sampled.
pub(crate) fn sampled_context(span: &Span) -> Option<SpanContext> {
    let context = span.context();
    let span_context = context.span().span_context().clone();
    span_context.is_sampled().then_some(span_context)
}

/// Adds the current trace to the headers of a request to a peer. Does nothing without a collector.
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
    fn an_invalid_setting_is_named() {
        let invalid = TelemetrySettings { log: "info,=,".to_owned(), ..defaults() };
        let error = start(&invalid, "test", false).unwrap_err().to_string();
        assert!(error.contains("GROUNDPLAN_LOG"), "{error}");
    }

    #[test]
    fn without_a_collector_no_trace_is_sent() {
        let mut headers = HeaderMap::new();
        inject_trace_context(&mut headers);
        assert!(headers.is_empty());
    }
}
