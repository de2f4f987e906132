//! `hoop audit …`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args as ClapArgs, Subcommand};

use super::{Page, moment};

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Checks that recordings are what was signed, and that none is missing.
    Verify(AuditVerify),
    /// Downloads a recording with all that is needed to verify it, on any machine.
    Export(AuditExport),
    /// Lists who did what through the API, who signed in and who was refused.
    Logs(AuditLogs),
}

/// What is verified, and what is trusted.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop audit verify
  hoop audit verify --since 2026-11-01T00:00:00Z --public-key ours.pem
  hoop audit verify --session 0198f3c2-…
  hoop audit verify 0198f3c2-….tar --public-key ours.pem      # without a gateway
  hoop audit verify --remember /var/lib/audit/hoop.head       # each night

Recordings and the audit log are checked, all on this machine: signatures, the chain of
manifests, the digest of each segment, and the number and hash of each packet. With files,
--session or --since, the audit log is left out. Ends with 0 only when all of it holds.

Without --public-key, the keys are those that the gateway names: then whoever can write to its
database could have signed anew. The audit-writer says its key in its log when it starts.")]
pub(crate) struct AuditVerify {
    /// Files that `hoop audit export` made. No gateway is asked.
    #[arg(value_name = "FILE", conflicts_with_all = ["session", "since", "remember"])]
    pub(crate) files: Vec<PathBuf>,
    /// Only this session.
    #[arg(long, value_name = "ID", conflicts_with_all = ["since", "remember"])]
    pub(crate) session: Option<String>,
    /// Only what was finished since then: RFC 3339, a day, or how long ago, such as 2h.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, conflicts_with = "remember")]
    pub(crate) since: Option<DateTime<Utc>>,
    /// A key to trust: base64, or a file with it or with PEM. May be given again.
    #[arg(long, value_name = "KEY")]
    pub(crate) public_key: Vec<String>,
    /// Keeps the end of the chain of manifests in this file, and that of the audit log in
    /// FILE.log; the next time, notices when one of them ends before that.
    #[arg(long, value_name = "FILE")]
    pub(crate) remember: Option<PathBuf>,
}

/// Which lines of the audit log.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop audit logs --actor ann@example.com
  hoop audit logs --resource authentication --outcome failure --from 2026-11-01T00:00:00Z
  hoop audit logs --all > log.jsonl

With --all, every line that matches is printed as one line of JSON, the oldest first, with its
place in the chain and its digest.")]
pub(crate) struct AuditLogs {
    /// Who: e-mail address, name, subject or id.
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// What it was done to, such as connections or authentication.
    #[arg(long)]
    pub(crate) resource: Option<String>,
    /// What was done, such as create, delete, login or kill.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// How it ended.
    #[arg(long, value_parser = ["success", "failure"])]
    pub(crate) outcome: Option<String>,
    /// Since then: RFC 3339, a day, or how long ago, such as 2h.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Before then.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) to: Option<DateTime<Utc>>,
    /// All of them, as lines of JSON.
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) page: Page,
}

/// Which recording, and where to.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop audit export 0198f3c2-…
  hoop audit export 0198f3c2-… --file evidence.tar

The file is a tar archive with the manifest, its signature, the key and the segments. Only what
is finished is signed, so a running session can't be exported.")]
pub(crate) struct AuditExport {
    /// The session's id.
    pub(crate) id: String,
    /// Into this file; ID.tar when left out.
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
}
