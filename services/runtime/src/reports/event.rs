//! What Sentry is told of a line of the log or a panic: its words, and where they come from.
//! No request, no user, no machine, no line before it.

use std::{backtrace::Backtrace, fmt, panic::PanicHookInfo};

use sentry::{
    Level,
    protocol::{Event, Exception, Map, Value},
};
use tracing::field::{Field, Visit};

/// Characters of one text: some causes have a whole page in them.
const LONGEST: usize = 4 * 1024;
/// Characters of a backtrace: what is at the bottom of it is the same for all.
const LONGEST_BACKTRACE: usize = 16 * 1024;

/// A line of the log.
pub(super) fn of_line(line: &tracing::Event<'_>) -> Event<'static> {
    let mut fields = Fields::default();
    line.record(&mut fields);
    Event {
        level: Level::Error,
        message: Some(fields.message),
        logger: Some(line.metadata().target().to_owned()),
        extra: fields.others,
        ..Event::default()
    }
}

/// A panic.
pub(super) fn of_panic(panic: &PanicHookInfo<'_>) -> Event<'static> {
    let said = panic.payload();
    let words = said.downcast_ref::<&str>().copied();
    let words = words.or_else(|| said.downcast_ref::<String>().map(String::as_str));
    let words = cut(words.unwrap_or("a panic without words"), LONGEST);
    let backtrace = cut(&Backtrace::force_capture().to_string(), LONGEST_BACKTRACE);
    let mut extra = Map::from([("backtrace".to_owned(), Value::String(backtrace))]);
    if let Some(place) = panic.location() {
        extra.insert("location".to_owned(), Value::String(place.to_string()));
    }
    let exception =
        Exception { ty: "panic".to_owned(), value: Some(words), ..Exception::default() };
    Event { level: Level::Fatal, exception: vec![exception].into(), extra, ..Event::default() }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, text: &str) {
        let text = cut(text, LONGEST);
        if field.name() == "message" {
            self.message = text;
        } else {
            self.others.insert(field.name().to_owned(), Value::String(text));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }
}

fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}
