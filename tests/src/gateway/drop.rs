//! The end of a test: what went wrong inside, and a look for panics.

use super::Gateway;

/// Lines of each log that a failed test shows.
const SHOWN: usize = 25;

impl Drop for Gateway {
    fn drop(&mut self) {
        if !self.for_a_test {
            return;
        }
        let mut panicked = Vec::new();
        for service in self.services() {
            let log = service.log();
            if log.contains("panicked at") {
                panicked.push(service.name().to_owned());
            }
            show(service.name(), &log);
        }
        // No input may reach a panic, whatever the test was about.
        if !std::thread::panicking() {
            assert!(panicked.is_empty(), "these processes panicked: {panicked:?}");
        }
    }
}

#[expect(clippy::print_stderr, reason = "the test runner shows it for tests that fail")]
fn show(name: &str, log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    let skipped = lines.len().saturating_sub(SHOWN);
    eprintln!("---- {name}: the last of {} lines", lines.len());
    for line in lines.iter().skip(skipped) {
        eprintln!("{line}");
    }
}
