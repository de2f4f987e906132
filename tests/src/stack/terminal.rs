//! Talking to a person.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

/// A line on standard output. A reader that has gone away is no reason to fail.
pub(crate) fn say(text: &str) {
    let _unheard = writeln!(std::io::stdout(), "{text}");
}

/// A heading between the parts of the story.
pub(super) fn heading(text: &str) {
    if std::io::stdout().is_terminal() {
        say(&format!("\n\u{1b}[1m── {text}\u{1b}[0m\n"));
    } else {
        say(&format!("\n── {text}\n"));
    }
}

/// Every line of `text`, indented.
pub(super) fn quote(text: &str) {
    for line in text.lines() {
        say(&format!("    {line}"));
    }
}

/// A duration as a person says it.
pub(super) fn spoken(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ 0..1_000 => format!("{micros} µs"),
        micros @ 1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        micros => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

/// A number of bytes as a person says it.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_short() {
        assert_eq!(spoken(Duration::from_micros(250)), "250 µs");
        assert_eq!(spoken(Duration::from_micros(12_345)), "12.3 ms");
        assert_eq!(spoken(Duration::from_millis(61_234)), "61.23 s");
        assert_eq!(size(3 * 1_048_576 + 524_288), "3.5 MiB");
    }
}
