//! What a client sends first: the one message without a type byte.

use bytes::{Buf, BytesMut};

use super::{
    body::Body,
    frame::{write_counted, write_text},
};

/// PostgreSQL takes no longer one either.
pub const LARGEST: usize = 10_000;

/// Bytes of secret that a cancel request may carry (protocol 3.2; exactly 4 before).
pub const SECRET_LEN: std::ops::RangeInclusive<usize> = 4..=256;

const CANCEL_REQUEST: u32 = (1234 << 16) | 5678;
const SSL_REQUEST: u32 = (1234 << 16) | 5679;
const GSSENC_REQUEST: u32 = (1234 << 16) | 5680;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3 for everything since 2003.
    pub major: u16,
    /// 0, or 2 since PostgreSQL 18.
    pub minor: u16,
}

impl Version {
    /// What every client and server speaks.
    pub const V3_0: Self = Self { major: 3, minor: 0 };
    /// Adds cancel keys of more than four bytes. The newest there is.
    pub const V3_2: Self = Self { major: 3, minor: 2 };

    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u32 {
        (u32::from(self.major) << 16) | u32::from(self.minor)
    }

    const fn from_code(code: u32) -> Self {
        let [a, b, c, d] = code.to_be_bytes();
        Self { major: u16::from_be_bytes([a, b]), minor: u16::from_be_bytes([c, d]) }
    }
}

/// The first message of a client, or the second after a request for encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// May I use TLS? Answered with one byte, `S` or `N`.
    SslRequest,
    /// May I use GSSAPI encryption? The same.
    GssEncRequest,
    /// Stop what that other connection runs. Not answered at all.
    Cancel(CancelKey),
    /// Let me in.
    Startup(Startup),
}

/// What names a session in a cancel request.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CancelKey {
    /// The server's process id, or what stands for it.
    pub process_id: u32,
    /// 4 to 256 bytes.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelKey").field("process_id", &self.process_id).finish_non_exhaustive()
    }
}

impl CancelKey {
    /// Process id and secret as one string of bytes, as they stand in the messages.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.process_id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.secret);
        bytes
    }
}

/// A start-up message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup {
    /// What the client asks for; may be newer than what we speak.
    pub requested: Version,
    /// Who it says it is.
    pub user: String,
    /// Which database it wants: the user's name when it doesn't say.
    pub database: String,
    /// Everything else, in order, less the protocol options.
    pub parameters: Vec<(String, String)>,
    /// Protocol options (`_pq_.…`). We know none.
    pub options: Vec<String>,
}

impl Startup {
    /// The version that the two sides will speak.
    #[must_use]
    pub fn version(&self) -> Version {
        self.requested.min(Version::V3_2)
    }

    /// Whether the client must be told that it gets less than it asked for.
    #[must_use]
    pub fn needs_negotiation(&self) -> bool {
        self.version() != self.requested || !self.options.is_empty()
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A first message that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not PostgreSQL, or broken.
    #[error("the length of the start-up packet is invalid")]
    InvalidLength,
    /// A request with more or less in it than it has.
    #[error("the request for {0} is malformed")]
    MalformedRequest(&'static str),
    /// Something else than 3.x.
    #[error("protocol {}.{} is not supported, only 3.0 to 3.2", .0.major, .0.minor)]
    UnsupportedVersion(Version),
    /// Names and values don't end where they should.
    #[error("the start-up packet is malformed; it must end in a zero byte")]
    Malformed,
    /// A name or value that can't be read.
    #[error("start-up parameter {0:?} is not valid UTF-8")]
    NotText(String),
    /// Nobody.
    #[error("no user name is given in the start-up packet")]
    NoUser,
}

/// Takes the first message off `buffer`; `None` when it is not all there yet.
///
/// # Errors
/// When it is none. The length is judged first, so that a buffer never has to hold more
/// than [`LARGEST`] bytes.
pub fn decode(buffer: &mut BytesMut) -> Result<Option<First>, Error> {
    let Some(field) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*field) as usize;
    if !(8..=LARGEST).contains(&length) {
        return Err(Error::InvalidLength);
    }
    if buffer.len() < length {
        return Ok(None);
    }
    let message = buffer.split_to(length);
    let mut body = Body::new(message.chunk());
    body.take(4);
    let code = body.u32().ok_or(Error::InvalidLength)?;
    match code {
        SSL_REQUEST if body.is_empty() => Ok(Some(First::SslRequest)),
        SSL_REQUEST => Err(Error::MalformedRequest("TLS")),
        GSSENC_REQUEST if body.is_empty() => Ok(Some(First::GssEncRequest)),
        GSSENC_REQUEST => Err(Error::MalformedRequest("GSSAPI encryption")),
        CANCEL_REQUEST => cancel(body).map(|key| Some(First::Cancel(key))),
        code => startup(Version::from_code(code), body).map(|found| Some(First::Startup(found))),
    }
}

fn cancel(mut body: Body<'_>) -> Result<CancelKey, Error> {
    let malformed = Error::MalformedRequest("cancellation");
    let Some(process_id) = body.u32() else { return Err(malformed) };
    let secret = body.rest();
    if !SECRET_LEN.contains(&secret.len()) {
        return Err(malformed);
    }
    Ok(CancelKey { process_id, secret: secret.to_vec() })
}

fn startup(requested: Version, mut body: Body<'_>) -> Result<Startup, Error> {
    if requested.major != 3 {
        return Err(Error::UnsupportedVersion(requested));
    }
    let mut user = None;
    let mut database = None;
    let mut parameters = Vec::new();
    let mut options = Vec::new();
    loop {
        let name = text(body.cstr().ok_or(Error::Malformed)?, "name")?;
        if name.is_empty() {
            break;
        }
        let value = text(body.cstr().ok_or(Error::Malformed)?, &name)?;
        match name.as_str() {
            "user" => user = Some(value),
            "database" => database = Some(value),
            option if option.starts_with("_pq_.") => options.push(name),
            _ => parameters.push((name, value)),
        }
    }
    if !body.is_empty() {
        return Err(Error::Malformed);
    }
    let user = user.filter(|user| !user.is_empty()).ok_or(Error::NoUser)?;
    let database = database.filter(|name| !name.is_empty()).unwrap_or_else(|| user.clone());
    Ok(Startup { requested, user, database, parameters, options })
}

fn text(bytes: &[u8], name: &str) -> Result<String, Error> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| Error::NotText(name.chars().take(64).collect()))
}

/// A request for TLS, as a client sends it.
#[must_use]
pub fn ssl_request() -> Vec<u8> {
    let mut out = Vec::with_capacity(8);
    write_counted(&mut out, |out| out.extend_from_slice(&SSL_REQUEST.to_be_bytes()));
    out
}

/// A cancel request, as a client sends it.
#[must_use]
pub fn cancel_request(key: &CancelKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(12 + key.secret.len());
    write_counted(&mut out, |out| {
        out.extend_from_slice(&CANCEL_REQUEST.to_be_bytes());
        out.extend_from_slice(&key.to_bytes());
    });
    out
}

/// A start-up message, as a client sends it.
#[must_use]
pub fn startup_message<'a>(
    version: Version,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    write_counted(&mut out, |out| {
        out.extend_from_slice(&version.code().to_be_bytes());
        for (name, value) in parameters {
            write_text(out, name);
            write_text(out, value);
        }
        out.push(0);
    });
    out
}

#[cfg(test)]
mod tests;
