//! What came of verifying, for people as it comes and for programs at the end.

use std::collections::BTreeSet;

use anyhow::Result;
use hoop_domain::manifest::KeyId;
use hoop_recording::{Checked, Finding};
use serde_json::{Value, json};

use crate::output;

/// What came of verifying the audit log.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) lines: u64,
    /// What is wrong with it, as a code and in words.
    pub(super) findings: Vec<(&'static str, String)>,
}

/// Gathers findings. Nothing found is the only success.
pub(super) struct Report {
    json: bool,
    recordings: Vec<Value>,
    chain: Vec<Finding>,
    log: Option<Log>,
    checked: u64,
    broken: u64,
    keys: BTreeSet<String>,
    /// Whether keys were given that are trusted.
    pinned: bool,
}

impl Report {
    pub(super) const fn new(json: bool, pinned: bool) -> Self {
        Self {
            json,
            recordings: Vec::new(),
            chain: Vec::new(),
            log: None,
            checked: 0,
            broken: 0,
            keys: BTreeSet::new(),
            pinned,
        }
    }

    /// A recording that was checked, called `name`.
    pub(super) fn checked(&mut self, name: &str, checked: &Checked) -> Result<()> {
        self.key(checked.key);
        let packets = format!(
            "{} packets in, {} out, {} segments{}",
            checked.packets.inward,
            checked.packets.outward,
            checked.segments,
            if checked.open { ", still open" } else { "" },
        );
        self.add(name, &packets, checked.open, &checked.findings)
    }

    /// A recording that could not be compared with anything.
    pub(super) fn unchecked(&mut self, name: &str, findings: &[Finding]) -> Result<()> {
        self.add(name, "not checked further", false, findings)
    }

    /// What is wrong with the chain of manifests.
    pub(super) fn chain(&mut self, findings: Vec<Finding>) -> Result<()> {
        for finding in &findings {
            self.line(&format!("BROKEN  {finding}"))?;
        }
        self.chain.extend(findings);
        Ok(())
    }

    /// What came of verifying the audit log.
    pub(super) fn log(&mut self, log: Log) -> Result<()> {
        let word = if log.findings.is_empty() { "ok    " } else { "BROKEN" };
        self.line(&format!("{word}  audit log  {} lines", log.lines))?;
        log.findings.iter().try_for_each(|(_, text)| self.line(&format!("        {text}")))?;
        self.log = Some(log);
        Ok(())
    }

    pub(super) fn key(&mut self, key: KeyId) {
        self.keys.insert(key.to_string());
    }

    fn add(&mut self, name: &str, what: &str, open: bool, findings: &[Finding]) -> Result<()> {
        let name = output::printable(name);
        self.checked += 1;
        self.broken += u64::from(!findings.is_empty());
        if self.json {
            let findings: Vec<Value> = findings.iter().map(spelled).collect();
            let ok = findings.is_empty();
            self.recordings.push(json!({
                "recording": name, "open": open, "ok": ok, "findings": findings
            }));
        }
        let word = if findings.is_empty() { "ok    " } else { "BROKEN" };
        self.line(&format!("{word}  {name}  {what}"))?;
        findings.iter().try_for_each(|finding| self.line(&format!("        {finding}")))
    }

    fn line(&self, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { Ok(output::print(&output::printable(text))?) }
    }

    /// Whether nothing is wrong so far.
    pub(super) fn holds(&self) -> bool {
        let log = self.log.as_ref().is_none_or(|log| log.findings.is_empty());
        self.broken == 0 && self.chain.is_empty() && log
    }

    /// What was found in recordings, as codes.
    #[cfg(test)]
    pub(super) fn codes(&self) -> Vec<String> {
        let lists = self.recordings.iter().filter_map(|recording| recording.get("findings"));
        let findings = lists.filter_map(Value::as_array).flatten();
        findings.filter_map(|found| Some(found.get("code")?.as_str()?.to_owned())).collect()
    }

    /// Says what it comes to; the exit code.
    pub(super) fn finish(self) -> Result<u8> {
        let holds = self.holds();
        if self.json {
            output::print_json(&json!({
                "ok": holds,
                "audit_log": self.log.as_ref().map(|log| json!({
                    "lines": log.lines,
                    "findings": log.findings.iter()
                        .map(|(code, text)| json!({"code": code, "message": text}))
                        .collect::<Vec<_>>(),
                })),
                "recordings": self.recordings,
                "chain": self.chain.iter().map(spelled).collect::<Vec<_>>(),
                "keys": self.keys,
                "keys_pinned": self.pinned,
            }))?;
        }
        let keys: Vec<String> = self.keys.into_iter().collect();
        if !self.pinned && !keys.is_empty() {
            let keys = keys.join(", ");
            output::say(&format!("signed with {keys}, as the evidence says; --public-key pins it"));
        }
        let chain =
            if self.chain.is_empty() { "" } else { ", and the chain of manifests is broken" };
        let log = match &self.log {
            Some(log) if log.findings.is_empty() => "; the audit log is whole",
            Some(_) => "; the audit log is broken",
            None => "",
        };
        output::say(&format!(
            "{} recordings verified, {} broken{chain}{log}",
            self.checked, self.broken
        ));
        Ok(u8::from(!holds))
    }
}

fn spelled(finding: &Finding) -> Value {
    json!({"code": finding.code(), "message": finding.to_string()})
}
