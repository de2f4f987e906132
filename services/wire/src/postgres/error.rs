//! Errors and notices as PostgreSQL writes them.

use super::{
    body::Body,
    frame::{write, write_text},
};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The statement failed, the connection goes on.
    Error,
    /// The connection is over.
    Fatal,
    /// Worth knowing.
    Notice,
    /// Worth worrying.
    Warning,
}

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
        }
    }
}

/// Appends an `ErrorResponse`, or a `NoticeResponse` when it is no error.
pub fn encode(
    out: &mut Vec<u8>,
    severity: Severity,
    sqlstate: &str,
    message: &str,
    hint: Option<&str>,
) {
    let tag = match severity {
        Severity::Error | Severity::Fatal => b'E',
        Severity::Notice | Severity::Warning => b'N',
    };
    write(out, tag, |out| {
        for (field, text) in [
            (b'S', severity.as_str()),
            (b'V', severity.as_str()),
            (b'C', sqlstate),
            (b'M', message),
        ] {
            out.push(field);
            write_text(out, text);
        }
        if let Some(hint) = hint {
            out.push(b'H');
            write_text(out, hint);
        }
        out.push(0);
    });
}

/// What a server's error or notice says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// `ERROR`, `FATAL`, …, in English where the server says so.
    pub severity: String,
    /// Five characters.
    pub sqlstate: String,
    /// One sentence.
    pub message: String,
    /// More of it.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Report {
    /// Reads the body of an `ErrorResponse` or `NoticeResponse`; what it lacks stays empty.
    #[must_use]
    pub fn decode(body: &[u8]) -> Self {
        let mut report = Self::default();
        let mut localized = String::new();
        let mut body = Body::new(body);
        while let Some(field) = body.u8()
            && field != 0
            && let Some(text) = body.text()
        {
            match field {
                b'S' => localized = text,
                b'V' => report.severity = text,
                b'C' => report.sqlstate = text,
                b'M' => report.message = text,
                b'D' => report.detail = Some(text),
                b'H' => report.hint = Some(text),
                _ => {}
            }
        }
        if report.severity.is_empty() {
            report.severity = localized;
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_it_was_written() {
        let mut out = Vec::new();
        encode(&mut out, Severity::Fatal, "28P01", "wrong password", Some("try\0 again"));
        assert_eq!(out.first(), Some(&b'E'));
        let report = Report::decode(&out[5..]);
        assert_eq!(report.severity, "FATAL");
        assert_eq!(report.sqlstate, "28P01");
        assert_eq!(report.message, "wrong password");
        assert_eq!(report.hint.as_deref(), Some("try again"));
    }

    #[test]
    fn half_an_error_is_read_as_far_as_it_goes() {
        let report = Report::decode(b"SFEHLER\0C42601\0Mno end");
        assert_eq!((report.severity.as_str(), report.sqlstate.as_str()), ("FEHLER", "42601"));
        assert_eq!(report.message, "");
    }
}
