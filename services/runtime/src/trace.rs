//! Traces: which part of a session took how long, over all processes that it goes through.
//!
//! A span that is to be exported has the target [`TARGET`]; no other span is, and no log
//! line. So nothing is exported that was not meant to be, and without
//! `OTEL_EXPORTER_OTLP_ENDPOINT` nobody is interested in such a span and it is not even made.
//!
//! From process to process a trace travels as a `traceparent` of the W3C: in gRPC metadata,
//! and as a field of messages.

mod export;
mod parent;

pub use export::{Traces, init};
pub(crate) use export::{exporter, layer};
pub use parent::{carried, current, follow};

/// The target of spans that are exported.
pub const TARGET: &str = "hoop::trace";

/// A span that is exported: its name, and fields as `tracing` has them.
///
/// One that is about a session has a field `session`; where its id is not known yet, it is
/// `tracing::field::Empty` until it is recorded.
#[macro_export]
macro_rules! span {
    ($name:expr $(, $($fields:tt)*)?) => {
        ::tracing::info_span!(target: $crate::trace::TARGET, $name $(, $($fields)*)?)
    };
}
