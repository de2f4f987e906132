//! Sending spans to a collector, over OTLP and gRPC.

use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use super::TARGET;
use crate::{
    config::{Env, Error},
    telemetry,
};

/// How long the last spans may take to get to a collector when the process ends.
const LAST: Duration = Duration::from_secs(2);

/// Spans on their way to a collector. Dropping it sends what is left.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    /// Of its own: it goes on sending when the process's own has ended.
    runtime: Option<tokio::runtime::Runtime>,
}

/// Exports the spans of this process, which is known as `service`, when the environment says
/// where to. For a program that has no log, unless `LOG_GRPC=1` asks for one.
///
/// # Errors
/// When a variable is malformed.
pub fn init(env: &Env, service: &'static str) -> Result<Option<Traces>, Error> {
    if telemetry::shows_grpc(env)? {
        return telemetry::init_from(env, service, "off", None);
    }
    let Some(traces) = exporter(env, service)? else { return Ok(None) };
    let _ = tracing_subscriber::registry().with(layer(&traces)).try_init();
    Ok(Some(traces))
}

/// The exporter that the environment asks for.
pub(crate) fn exporter(env: &Env, service: &'static str) -> Result<Option<Traces>, Error> {
    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let Some(endpoint) = env.text(ENDPOINT) else { return Ok(None) };
    let malformed = |name: &str, why: &str| Error::Malformed { name: name.into(), why: why.into() };
    if !(endpoint.starts_with("http://") || endpoint.starts_with("https://")) {
        let why = "a collector's URL is such as http://127.0.0.1:4317";
        return Err(malformed(ENDPOINT, why));
    }
    let share: f64 = env.parsed("OTEL_TRACES_SAMPLER_ARG", 1.0)?;
    if !(0.0..=1.0).contains(&share) {
        return Err(malformed("OTEL_TRACES_SAMPLER_ARG", "a share is from 0 to 1"));
    }
    let service = env.text("OTEL_SERVICE_NAME").unwrap_or_else(|| service.into());
    let unusable = |_| malformed(ENDPOINT, "spans can't be sent there");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("traces")
        .enable_all()
        .build()
        .map_err(|_| malformed(ENDPOINT, "the system has no thread for it"))?;
    let inside = runtime.enter();
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
    let exporter = exporter.build().map_err(unusable)?;
    drop(inside);
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(Resource::builder().with_service_name(service).build())
        .build();
    Ok(Some(Traces { provider, runtime: Some(runtime) }))
}

/// What takes the spans that are to be exported, and no other.
pub(crate) fn layer<S>(traces: &Traces) -> impl Layer<S> + Send + Sync + 'static + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    OpenTelemetryLayer::new(traces.provider.tracer("hoop"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(
            filter_fn(|what| what.is_span() && what.target() == TARGET)
                .with_max_level_hint(LevelFilter::INFO),
        )
}

impl Drop for Traces {
    fn drop(&mut self) {
        // A collector that is gone is no reason to stay.
        let _ = self.provider.shutdown_with_timeout(LAST);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
