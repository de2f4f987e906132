//! A collector: takes traces over OTLP and gRPC, and refuses what is not whole.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// A span that a process has sent.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) service: String,
    pub(super) name: String,
    pub(super) trace: Vec<u8>,
    pub(super) id: Vec<u8>,
    /// Empty for the first of its trace.
    pub(super) parent: Vec<u8>,
    attributes: Vec<KeyValue>,
}

impl Span {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        text(&self.attributes, name)
    }
}

fn text<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// What has come so far.
#[derive(Debug, Default, Clone)]
struct Received {
    spans: Arc<Mutex<Vec<Span>>>,
    requests: Arc<Mutex<String>>,
}

/// A running collector; it ends with its test.
pub(super) struct Collector {
    port: u16,
    received: Received,
}

impl Collector {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let received = Received::default();
        let service = TraceServiceServer::new(received.clone());
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        Ok(Self { port, received })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The span of this name about this session.
    pub(super) fn span(&self, name: &str, session: &str) -> Result<Span> {
        let spans = self.spans();
        let mut of = spans.iter().filter(|span| span.name == name);
        let found = of.find(|span| span.attribute("session") == Some(session));
        found.cloned().with_context(|| format!("no {name} about {session} in {spans:#?}"))
    }

    /// Every span of this trace.
    pub(super) fn trace(&self, trace: &[u8]) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.trace == trace).collect()
    }

    /// All that came, as text.
    pub(super) fn everything(&self) -> String {
        self.received.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn spans(&self) -> Vec<Span> {
        self.received.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let request = request.into_inner();
        let words = format!("{request:?}");
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push_str(&words);
        for resource in request.resource_spans {
            let about = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
            let service = text(&about, "service.name")
                .ok_or_else(|| Status::invalid_argument("a process without a name"))?;
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let whole = span.trace_id.len() == 16
                    && span.span_id.len() == 8
                    && [0, 8].contains(&span.parent_span_id.len())
                    && 0 < span.start_time_unix_nano
                    && span.start_time_unix_nano <= span.end_time_unix_nano;
                if !whole {
                    return Err(Status::invalid_argument(format!("not a whole span: {span:?}")));
                }
                let span = Span {
                    service: service.to_owned(),
                    name: span.name,
                    trace: span.trace_id,
                    id: span.span_id,
                    parent: span.parent_span_id,
                    attributes: span.attributes,
                };
                self.spans.lock().unwrap_or_else(PoisonError::into_inner).push(span);
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
