//! What the supervisor tells the person who started it: on stderr, since stdout has results.

use std::io::Write;

/// A line on stderr. A closed stderr is no reason to die.
pub(crate) fn say(line: &str) {
    let _unwritten = writeln!(std::io::stderr(), "hoop: {line}");
}
