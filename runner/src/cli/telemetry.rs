//! Traces over OTLP: the spans of a run, sent to a collector by protobuf over HTTP.
//!
//! Set up by the variables of the OpenTelemetry specification ("OpenTelemetry
//! Protocol Exporter", "Environment Variable Specification"). Nothing is sent
//! unless OTEL_EXPORTER_OTLP_ENDPOINT, or the one for traces, says where to. What
//! goes wrong with it is a warning: a migration does not fail for want of a
//! collector.

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{Span, info_span};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::registry::LookupSpan;

/// How long the end of the program waits for the collector.
const FLUSH: Duration = Duration::from_secs(2);

/// The variables that say where the collector is.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The traces of this program, on their way to a collector.
pub struct Telemetry {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// Why the collector did not take what was sent last, if it did not.
    failure: Failure,
}

/// The last failure of a client, for whoever tells it at the end.
type Failure = Arc<Mutex<Option<String>>>;

impl Telemetry {
    /// Reads the variables. None if they do not ask for traces.
    ///
    /// # Errors
    ///
    /// Says what is wrong with them.
    pub fn of_environment() -> Result<Option<Self>, String> {
        if !is_wanted() {
            return Ok(None);
        }
        let failure = Failure::default();
        let client = Client { agent: agent()?, failure: Arc::clone(&failure) };
        let exporter = SpanExporter::builder().with_http().with_http_client(client).build();
        let exporter = exporter.map_err(|error| error.to_string())?;
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
        let tracer = provider.tracer("runner");
        Ok(Some(Self { provider, tracer, failure }))
    }

    /// What turns spans of the log into spans of a trace.
    pub fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
    }

    /// The span of the whole program; what TRACEPARENT names is its parent.
    pub fn root(command: &str) -> Span {
        let span = info_span!(
            "runner",
            "otel.name" = format!("runner {command}"),
            exit_code = tracing::field::Empty
        );
        let carrier: HashMap<String, String> = [("traceparent", "TRACEPARENT"), ("tracestate", "TRACESTATE")]
            .into_iter()
            .filter_map(|(key, variable)| Some((key.to_owned(), env::var(variable).ok()?)))
            .collect();
        let parent = TraceContextPropagator::new().extract(&carrier);
        // Without a recorded span there is nothing to have a parent.
        let _ = span.set_parent(parent);
        span
    }

    /// Sends what was not sent yet; gives up after two seconds.
    pub fn flush(self) {
        let ended = self.provider.shutdown_with_timeout(FLUSH);
        let failure = self.failure.lock().ok().and_then(|mut failure| failure.take());
        let failure = failure.or_else(|| ended.err().map(|error| error.to_string()));
        if let Some(failure) = failure {
            tracing::warn!(target: "runner::telemetry", "the traces could not be sent: {failure}");
        }
    }
}

/// Whether there is a collector, and traces are not turned off.
fn is_wanted() -> bool {
    let value = |name: &str| env::var(name).unwrap_or_default();
    let is_off = value("OTEL_SDK_DISABLED").eq_ignore_ascii_case("true")
        || value("OTEL_TRACES_EXPORTER").eq_ignore_ascii_case("none");
    !is_off && ENDPOINTS.iter().any(|name| !value(name).is_empty())
}

/// Who sends the traces. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
fn resource() -> Resource {
    let is_named = env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty())
        || env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|list| list.contains("service.name="));
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    if is_named { resource.build() } else { resource.with_service_name("runner").build() }
}

/// Sends by a small blocking client: the exporter has a thread of its own.
#[derive(Debug)]
struct Client {
    agent: ureq::Agent,
    failure: Failure,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let result = self.agent.run(Request::from_parts(parts, body.to_vec()));
        let result = result.map_err(|error| error.to_string()).and_then(|response| {
            let (parts, mut body) = response.into_parts();
            let body = body.read_to_vec().map_err(|error| error.to_string())?;
            Ok(Response::from_parts(parts, Bytes::from(body)))
        });
        let failure = match &result {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("the collector answered {}", response.status())),
            Err(error) => Some(error.clone()),
        };
        if let Ok(mut last) = self.failure.lock() {
            *last = failure;
        }
        Ok(result?)
    }
}

/// A client that trusts what the system does, or what
/// OTEL_EXPORTER_OTLP_CERTIFICATE names.
fn agent() -> Result<ureq::Agent, String> {
    use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
    let roots: Vec<Certificate<'static>> = match env::var("OTEL_EXPORTER_OTLP_CERTIFICATE") {
        Ok(file) if !file.is_empty() => {
            let wrong =
                |error: &dyn std::fmt::Display| format!("OTEL_EXPORTER_OTLP_CERTIFICATE: {file}: {error}");
            let text = std::fs::read(&file).map_err(|error| wrong(&error))?;
            let items: Result<Vec<_>, _> = parse_pem(&text).collect();
            let items = items.map_err(|error| wrong(&error))?;
            items
                .into_iter()
                .filter_map(|item| match item {
                    PemItem::Certificate(certificate) => Some(certificate),
                    _ => None,
                })
                .collect()
        }
        _ => {
            let found = rustls_native_certs::load_native_certs().certs;
            found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
        }
    };
    runner::db::share_tls_provider();
    let tls = TlsConfig::builder().root_certs(RootCerts::from(roots)).build();
    let limit = env::var("OTEL_EXPORTER_OTLP_TIMEOUT").ok().and_then(|limit| limit.parse().ok());
    let limit = Duration::from_millis(limit.unwrap_or(10_000));
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(limit))
        .http_status_as_error(false)
        .tls_config(tls)
        .build();
    Ok(config.new_agent())
}
