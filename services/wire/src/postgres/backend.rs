//! What a server says around a login.

use super::{
    body::Body,
    frame::{write, write_text},
    startup::{CancelKey, SECRET_LEN, Version},
};

/// Whether a transaction is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// None.
    Idle,
    /// Yes.
    Open,
    /// Yes, and it can only be rolled back.
    Failed,
}

/// Appends `ParameterStatus`.
pub fn parameter_status(out: &mut Vec<u8>, name: &str, value: &str) {
    write(out, b'S', |out| {
        write_text(out, name);
        write_text(out, value);
    });
}

/// Appends `BackendKeyData`.
pub fn backend_key_data(out: &mut Vec<u8>, key: &CancelKey) {
    write(out, b'K', |out| out.extend_from_slice(&key.to_bytes()));
}

/// Appends `ReadyForQuery` outside of a transaction.
pub fn ready_for_query(out: &mut Vec<u8>) {
    write(out, b'Z', |out| out.push(b'I'));
}

/// Appends `NegotiateProtocolVersion`: the version that we will speak, and the options that
/// we don't know.
pub fn negotiate_protocol_version(out: &mut Vec<u8>, version: Version, unknown: &[String]) {
    write(out, b'v', |out| {
        // The documentation says "minor version"; servers and libpq use the whole number.
        out.extend_from_slice(&version.code().to_be_bytes());
        let count = i32::try_from(unknown.len()).unwrap_or(i32::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        for option in unknown {
            write_text(out, option);
        }
    });
}

/// Reads the body of `ParameterStatus`.
#[must_use]
pub fn decode_parameter_status(body: &[u8]) -> Option<(String, String)> {
    let mut body = Body::new(body);
    Some((body.text()?, body.text()?))
}

/// Reads the body of `BackendKeyData`.
#[must_use]
pub fn decode_backend_key_data(body: &[u8]) -> Option<CancelKey> {
    let mut body = Body::new(body);
    let process_id = body.u32()?;
    let secret = body.rest();
    SECRET_LEN.contains(&secret.len()).then(|| CancelKey { process_id, secret: secret.to_vec() })
}

/// Reads the body of `ReadyForQuery`.
#[must_use]
pub const fn decode_ready_for_query(body: &[u8]) -> Option<Transaction> {
    match body {
        b"I" => Some(Transaction::Idle),
        b"T" => Some(Transaction::Open),
        b"E" => Some(Transaction::Failed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_keys_read_as_they_were_written() {
        let mut out = Vec::new();
        parameter_status(&mut out, "server_version", "18.0");
        assert_eq!(
            decode_parameter_status(&out[5..]),
            Some(("server_version".to_owned(), "18.0".to_owned()))
        );
        for length in [4, 32] {
            let key = CancelKey { process_id: 7, secret: vec![1; length] };
            let mut out = Vec::new();
            backend_key_data(&mut out, &key);
            assert_eq!(decode_backend_key_data(&out[5..]), Some(key));
        }
        assert_eq!(decode_backend_key_data(&[0; 7]), None);
    }

    #[test]
    fn the_end_of_a_login_is_what_servers_write() {
        let mut out = Vec::new();
        ready_for_query(&mut out);
        assert_eq!(out, b"Z\0\0\0\x05I");
        let mut out = Vec::new();
        negotiate_protocol_version(&mut out, Version::V3_2, &["_pq_.x".to_owned()]);
        assert_eq!(out, b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0");
    }
}
