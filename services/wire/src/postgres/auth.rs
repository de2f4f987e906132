//! Proving who one is: what both sides say.

use aws_lc_rs::constant_time;
use md5::{Digest, Md5};

use super::{
    body::Body,
    frame::{write, write_text},
};

const OK: u32 = 0;
const CLEARTEXT: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;

/// What a server asks for, or that it is content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Come in.
    Ok,
    /// The password itself.
    Cleartext,
    /// The password hashed with this salt.
    Md5([u8; 4]),
    /// A SASL exchange, by one of these mechanisms.
    Sasl(Vec<String>),
    /// The next step of the exchange.
    SaslContinue(Vec<u8>),
    /// The last step of the exchange.
    SaslFinal(Vec<u8>),
    /// Something that we don't do: Kerberos, SSPI, ….
    Other(u32),
}

impl Request {
    /// Appends it as a message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write(out, b'R', |out| {
            out.extend_from_slice(&self.code().to_be_bytes());
            match self {
                Self::Ok | Self::Cleartext | Self::Other(_) => {}
                Self::Md5(salt) => out.extend_from_slice(salt),
                Self::Sasl(mechanisms) => {
                    for mechanism in mechanisms {
                        write_text(out, mechanism);
                    }
                    out.push(0);
                }
                Self::SaslContinue(data) | Self::SaslFinal(data) => out.extend_from_slice(data),
            }
        });
    }

    /// Reads the body of an `R` message; `None` when it is cut short.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let mut body = Body::new(body);
        Some(match body.u32()? {
            OK => Self::Ok,
            CLEARTEXT => Self::Cleartext,
            MD5 => Self::Md5(*body.rest().first_chunk()?),
            SASL => {
                let mut mechanisms = Vec::new();
                loop {
                    let mechanism = body.text()?;
                    if mechanism.is_empty() {
                        break Self::Sasl(mechanisms);
                    }
                    mechanisms.push(mechanism);
                }
            }
            SASL_CONTINUE => Self::SaslContinue(body.rest().to_vec()),
            SASL_FINAL => Self::SaslFinal(body.rest().to_vec()),
            other => Self::Other(other),
        })
    }

    const fn code(&self) -> u32 {
        match self {
            Self::Ok => OK,
            Self::Cleartext => CLEARTEXT,
            Self::Md5(_) => MD5,
            Self::Sasl(_) => SASL,
            Self::SaslContinue(_) => SASL_CONTINUE,
            Self::SaslFinal(_) => SASL_FINAL,
            Self::Other(code) => *code,
        }
    }
}

/// A client's answer: a password, or a hash of it.
#[must_use]
pub fn password_message(password: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(password.len() + 6);
    write(&mut out, b'p', |out| write_text(out, password));
    out
}

/// A client's answer: which mechanism, and its first step.
#[must_use]
pub fn sasl_initial_response(mechanism: &str, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mechanism.len() + data.len() + 10);
    write(&mut out, b'p', |out| {
        write_text(out, mechanism);
        out.extend_from_slice(&i32::try_from(data.len()).unwrap_or(i32::MAX).to_be_bytes());
        out.extend_from_slice(data);
    });
    out
}

/// A client's answer: the next step.
#[must_use]
pub fn sasl_response(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 5);
    write(&mut out, b'p', |out| out.extend_from_slice(data));
    out
}

/// Reads the body of a `SASLInitialResponse`: the mechanism and its first step, if there
/// is one. `None` when it is malformed.
#[must_use]
pub fn decode_sasl_initial_response(body: &[u8]) -> Option<(&str, Option<&[u8]>)> {
    let mut body = Body::new(body);
    let mechanism = std::str::from_utf8(body.cstr()?).ok()?;
    let data = match body.i32()? {
        -1 => None,
        length => Some(body.take(usize::try_from(length).ok()?)?),
    };
    body.is_empty().then_some((mechanism, data))
}

/// What a client answers to a request for MD5.
#[must_use]
pub fn md5_response(user: &str, password: &str, salt: [u8; 4]) -> String {
    let inner = hex(Md5::new().chain_update(password).chain_update(user).finalize().as_ref());
    let outer = hex(Md5::new().chain_update(inner).chain_update(salt).finalize().as_ref());
    format!("md5{outer}")
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether two secrets are the same, in a time that does not depend on where they differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_as_they_were_written() {
        for request in [
            Request::Ok,
            Request::Cleartext,
            Request::Md5([1, 2, 3, 4]),
            Request::Sasl(vec!["SCRAM-SHA-256-PLUS".into(), "SCRAM-SHA-256".into()]),
            Request::SaslContinue(b"r=nonce".to_vec()),
            Request::SaslFinal(b"v=proof".to_vec()),
            Request::Other(7),
        ] {
            let mut out = Vec::new();
            request.encode(&mut out);
            assert_eq!(Request::decode(&out[5..]), Some(request));
        }
        assert_eq!(Request::decode(&[0, 0, 0]), None);
        assert_eq!(Request::decode(&[0, 0, 0, 10, b'S']), None);
    }

    #[test]
    fn a_first_step_reads_as_it_was_written() {
        let out = sasl_initial_response("SCRAM-SHA-256", b"n,,n=,r=x");
        assert_eq!(
            decode_sasl_initial_response(&out[5..]),
            Some(("SCRAM-SHA-256", Some(b"n,,n=,r=x".as_ref())))
        );
        for malformed in [&b"SCRAM"[..], b"S\0\0\0\0\x09x", b"S\0\0\0\0\0x", b"S\0\x80\0\0\0"] {
            assert_eq!(decode_sasl_initial_response(malformed), None);
        }
        assert_eq!(decode_sasl_initial_response(b"S\0\xff\xff\xff\xff"), Some(("S", None)));
    }

    #[test]
    fn the_md5_answer_is_the_one_that_postgresql_expects() {
        // Computed with PostgreSQL's own formula: md5(md5(password ‖ user) ‖ salt).
        assert_eq!(
            md5_response("md5_user", "password", [0x2a, 0x3d, 0x8f, 0xe0]),
            "md562af4dd09bbb41884907a838a3233294"
        );
    }
}
