//! Where a span belongs, as text.

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The `traceparent` of the current span; nothing when no traces are exported.
#[must_use]
pub fn current() -> Option<String> {
    let span = Span::current();
    // Most spans are: without traces there is nothing to look for.
    if span.is_none() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| {
        let flags = context.trace_flags().to_u8();
        format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id())
    })
}

/// What to send on: the `traceparent` of the current span, or the one that `came` where this
/// process exports nothing, so that the processes after it are in the trace all the same.
#[must_use]
pub fn carried(came: &str) -> String {
    current().unwrap_or_else(|| if parse(came).is_some() { came.to_owned() } else { String::new() })
}

/// Makes `span`, which has not been entered, part of what `traceparent` says. One that can't
/// be read is none: it comes from outside and nothing depends on it.
pub fn follow(span: &Span, traceparent: &str) {
    if let Some(parent) = parse(traceparent) {
        let context = opentelemetry::Context::new().with_remote_span_context(parent);
        // Without traces there is nothing to follow.
        let _ = span.set_parent(context);
    }
}

/// `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`.
fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    if version != "00" || parts.next().is_some() {
        return None;
    }
    if !(hex(trace, 32) && hex(span, 16) && hex(flags, 2)) {
        return None;
    }
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_to_the_letter() {
        assert!(parse(GOOD).is_some_and(|parent| parent.is_sampled() && parent.is_remote()));
        for bad in [
            "",
            "00",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn without_traces_what_came_is_sent_on_and_nothing_else() {
        assert_eq!(current(), None);
        assert_eq!(carried(GOOD), GOOD);
        assert_eq!(carried("a line\r\nof a header"), "");
    }
}
