//! What was found, hop by hop.

use serde_json::{Value, json};

use crate::output::printable;

/// Why a hop does not work, and what to do.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) what: String,
    pub(super) fix: String,
}

impl Broken {
    pub(super) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

#[derive(Debug)]
enum Outcome {
    Well(String),
    Broken(Broken),
    /// Not tried, because of a hop before it.
    Skipped(String),
}

/// All hops so far.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<(&'static str, Outcome)>);

impl Report {
    /// Notes how a hop is: a detail to show, and what the next one needs of it.
    pub(super) fn note<T>(
        &mut self,
        hop: &'static str,
        found: Result<(T, String), Broken>,
    ) -> Option<T> {
        let (next, outcome) = match found {
            Ok((next, detail)) => (Some(next), Outcome::Well(detail)),
            Err(broken) => (None, Outcome::Broken(broken)),
        };
        self.0.push((hop, outcome));
        next
    }

    /// Notes hops that can't be tried while `broken` is.
    pub(super) fn skip(&mut self, hops: impl IntoIterator<Item = &'static str>, broken: &str) {
        for hop in hops {
            if self.0.iter().all(|(known, _)| *known != hop) {
                self.0.push((hop, Outcome::Skipped(format!("{broken} is broken"))));
            }
        }
    }

    pub(super) fn all_well(&self) -> bool {
        self.0.iter().all(|(_, outcome)| matches!(outcome, Outcome::Well(_)))
    }

    /// A line for each hop, and for a broken one what to do.
    pub(super) fn text(&self) -> String {
        let mut lines = Vec::new();
        for (hop, outcome) in &self.0 {
            let (state, detail) = outcome.show();
            lines.push(format!("{state:<8}{hop:<13}{}", printable(detail)).trim_end().to_owned());
            if let Outcome::Broken(broken) = outcome {
                lines.push(format!("{:21}→ {}", "", printable(&broken.fix)));
            }
        }
        lines.push(if self.all_well() { "all is well" } else { "something is broken" }.into());
        lines.join("\n")
    }

    pub(super) fn json(&self) -> Value {
        let checks = self.0.iter().map(|(hop, outcome)| {
            let (status, detail) = outcome.show();
            let mut check = json!({ "hop": hop, "status": status, "detail": detail });
            if let (Outcome::Broken(broken), Some(check)) = (outcome, check.as_object_mut()) {
                check.insert("fix".into(), broken.fix.as_str().into());
            }
            check
        });
        json!({ "ok": self.all_well(), "checks": checks.collect::<Vec<_>>() })
    }
}

impl Outcome {
    fn show(&self) -> (&'static str, &str) {
        match self {
            Self::Well(detail) => ("ok", detail),
            Self::Broken(broken) => ("broken", &broken.what),
            Self::Skipped(why) => ("skipped", why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_hop_says_what_to_do_and_those_behind_it_were_not_tried() {
        let mut report = Report::default();
        assert_eq!(report.note("config", Ok((7, "a file".into()))), Some(7));
        assert!(report.all_well());
        let broken = Broken::new("nobody\u{1b} answers", "start it");
        assert_eq!(report.note::<()>("api tcp", Err(broken)), None);
        report.skip(["api tcp", "api tls"], "api tcp");
        let expected = "ok      config       a file\n\
                        broken  api tcp      nobody\u{fffd} answers\n                     \
                        → start it\n\
                        skipped api tls      api tcp is broken\nsomething is broken";
        assert_eq!(report.text(), expected);
        let json = report.json();
        assert_eq!((&json["ok"], &json["checks"][1]["fix"]), (&json!(false), &json!("start it")));
        assert_eq!(json["checks"].as_array().unwrap().len(), 3);
    }
}
