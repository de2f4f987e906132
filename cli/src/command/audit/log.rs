//! The chain of the audit log: each line's digest is computed here, from what the line says.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use hoop_domain::{AuditLine, audit_line::START, manifest::PublicKey};
use hoop_recording::Head;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncBufReadExt;
use tokio_util::io::StreamReader;

use super::{
    log_heads as heads,
    pages::End,
    remembered,
    report::{Log, Report},
};
use crate::{api::Error, context::Context, output};

/// A line as the gateway exports it.
#[derive(Debug, Deserialize)]
struct Exported {
    id: String,
    org_id: String,
    actor_id: Option<String>,
    actor_subject: String,
    actor_email: String,
    actor_name: String,
    created_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    resource_type: String,
    action: String,
    http_method: String,
    http_status: Option<u16>,
    http_path: String,
    client_ip: String,
    request_payload_redacted: Option<Value>,
    error_message: String,
    position: u64,
    digest: String,
}

/// Verifies all of it, and that it goes as far as it once did.
pub(super) async fn verify(
    trusted: &[PublicKey],
    remember: Option<&Path>,
    context: &Context,
    report: &mut Report,
) -> Result<()> {
    let kept = remember.map(beside);
    let known = kept.as_deref().map(remembered::load).transpose()?.flatten();
    // Before the lines: there may be more when they are read, and never fewer.
    let end = match context.api.get(&["audit", "logs", "end"], &()).await {
        Ok(end) => end,
        Err(Error::NotFound { .. }) => {
            output::warn("this gateway has no chain of its audit log; it is of an older version");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let end: End = serde_json::from_value(end).context("the end of the audit log")?;
    let mut marks: Vec<Mark> = known.map(|head| Mark { head, signed: false }).into_iter().collect();
    marks.push(Mark { head: end.head()?, signed: false });
    let mut log = Log::default();
    heads::load(trusted, context, report, &mut log, &mut marks).await?;
    let (log, head) = read(log, marks, context).await?;
    report.log(log)?;
    match &kept {
        // What is broken is to be noticed the next time, too.
        Some(path) if report.holds() => remembered::store(path, head),
        _ => Ok(()),
    }
}

/// The file for the audit log's end, beside that for the chain of manifests.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".log");
    name.into()
}

async fn read(log: Log, marks: Vec<Mark>, context: &Context) -> Result<(Log, Head)> {
    let response = context.api.stream(&["audit", "logs"], &[("format", "jsonl")]).await?;
    let pieces = response.bytes_stream().map_err(std::io::Error::other);
    let mut lines = StreamReader::new(pieces).lines();
    let mut chain = Chain::new(log, marks);
    while let Some(line) = lines.next_line().await.context("the audit log did not come whole")? {
        let line: Exported = serde_json::from_str(&line).context("a line of the audit log")?;
        chain.add(line)?;
    }
    Ok(chain.finish())
}

/// A place that the chain has to come by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) head: Head,
    /// Whether it was signed, or only said or remembered.
    pub(super) signed: bool,
}

/// The chain as far as it was read.
struct Chain {
    log: Log,
    head: Head,
    /// By their places, which come in order.
    marks: VecDeque<Mark>,
}

impl Chain {
    fn new(log: Log, mut marks: Vec<Mark>) -> Self {
        marks.sort_by_key(|mark| mark.head.position);
        // The start of everything is behind nobody.
        marks.retain(|mark| mark.head.position != 0);
        Self { log, head: Head { position: 0, digest: START }, marks: marks.into() }
    }

    fn add(&mut self, exported: Exported) -> Result<()> {
        self.log.lines += 1;
        let said = blake3::Hash::from_hex(&exported.digest).context("a line's digest")?;
        let line = line(exported)?;
        let expected = self.head.position + 1;
        if line.position != expected {
            self.wrong("log_line_missing", format!("line {expected} is missing"));
        } else if line.digest(&self.head.digest) != *said.as_bytes() {
            self.wrong("log_line_changed", format!("line {expected} is not what was written"));
        }
        self.head = Head { position: line.position, digest: *said.as_bytes() };
        while let Some(mark) = self.marks.pop_front_if(|mark| mark.head.position <= line.position) {
            let number = mark.head.position;
            if mark.head.digest == self.head.digest {
                continue;
            }
            let what = if mark.signed { "was signed" } else { "it was" };
            self.wrong("log_rewritten", format!("line {number} is another than {what}"));
        }
        Ok(())
    }

    fn finish(mut self) -> (Log, Head) {
        if let Some(longest) = self.marks.back().map(|mark| mark.head.position) {
            let last = self.head.position;
            self.wrong("log_cut_off", format!("it ends at line {last} and had {longest}"));
        }
        (self.log, self.head)
    }

    fn wrong(&mut self, code: &'static str, text: String) {
        self.log.findings.push((code, text));
    }
}

fn line(exported: Exported) -> Result<AuditLine> {
    Ok(AuditLine {
        org: exported.org_id.parse()?,
        position: exported.position,
        id: exported.id.parse()?,
        actor: exported.actor_id.as_deref().map(str::parse).transpose()?,
        subject: exported.actor_subject,
        email: exported.actor_email,
        name: exported.actor_name,
        method: exported.http_method,
        path: exported.http_path,
        resource: exported.resource_type,
        action: exported.action,
        client: exported.client_ip,
        payload: exported.request_payload_redacted.map(|payload| payload.to_string()),
        begun_at: exported.created_at,
        completed_at: exported.completed_at,
        status: exported.http_status,
        error: exported.error_message,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A chain of three lines, as a gateway exports it.
    fn export() -> Vec<Value> {
        let (mut lines, mut previous) = (Vec::new(), START);
        for position in 1..=3 {
            let mut value = json!({
                "id": format!("0198f3c2-0000-7000-8000-00000000000{position}"),
                "org_id": "0198f3c2-0000-7000-8000-000000000000", "actor_id": null,
                "actor_subject": "", "actor_email": "ann@example.com", "actor_name": "Ann",
                "created_at": "2026-11-23T10:00:00.123456Z",
                "completed_at": "2026-11-23T10:00:01Z", "resource_type": "users",
                "action": "create", "http_method": "POST", "http_status": 201,
                "http_path": "/api/users", "client_ip": "-",
                "request_payload_redacted": {"email": "x", "password": "[redacted]"},
                "error_message": "", "position": position, "digest": "",
            });
            let read: Exported = serde_json::from_value(value.clone()).unwrap();
            previous = line(read).unwrap().digest(&previous);
            value["digest"] = remembered::blake3_hex(previous).into();
            lines.push(value);
        }
        lines
    }

    fn codes(lines: &[Value], heads: Vec<Head>) -> Vec<&'static str> {
        let marks = heads.into_iter().map(|head| Mark { head, signed: true }).collect();
        let mut chain = Chain::new(Log::default(), marks);
        for line in lines {
            chain.add(serde_json::from_value(line.clone()).unwrap()).unwrap();
        }
        chain.finish().0.findings.into_iter().map(|(code, _)| code).collect()
    }

    #[test]
    fn a_log_that_was_touched_is_found_out() {
        let whole = export();
        let end = Head { position: 3, digest: [7; 32] };
        assert!(codes(&whole, vec![]).is_empty());
        let mut changed = whole.clone();
        changed[1]["http_status"] = 200.into();
        assert_eq!(codes(&changed, vec![]), ["log_line_changed"]);
        let missing = [whole[0].clone(), whole[2].clone()];
        assert_eq!(codes(&missing, vec![]), ["log_line_missing"]);
        assert_eq!(codes(&whole[..2], vec![end]), ["log_cut_off"]);
        assert_eq!(codes(&whole, vec![end]), ["log_rewritten"]);
        let early = Head { position: 1, digest: [7; 32] };
        assert_eq!(codes(&whole, vec![end, early]), ["log_rewritten", "log_rewritten"]);
    }
}
