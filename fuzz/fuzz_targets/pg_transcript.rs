//! A recorded session: the bytes are a client's and a target's, and either may be hostile.
#![no_main]

use hoop_wire::postgres::{
    login::{Login, Settings},
    transcript::{Sender, Transcript},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pieces: Vec<(bool, u8, Vec<u8>)>| {
    let mut transcript = Transcript::new();
    let mut login = login();
    for (at, (from_client, tag, body)) in (0_i64..).zip(pieces) {
        let sender = if from_client { Sender::Client } else { Sender::Server };
        // Half of the pieces are whole messages, so that the fuzzer gets past the lengths.
        let bytes = if tag.is_ascii_alphanumeric() { message(tag, &body) } else { body };
        transcript.feed(sender, at, &bytes);
        while let Some(exchange) = transcript.next_exchange() {
            assert!(exchange.sql.len() <= 2 * 64 * 1024);
        }
        if !from_client {
            login = login.and_then(|mut login| login.feed(&bytes).is_ok().then_some(login));
        }
    }
    drop(transcript.finish());
});

fn login() -> Option<Login> {
    let settings = Settings {
        user: "u".to_owned(),
        password: "p".to_owned().into(),
        database: "d".to_owned(),
        parameters: Vec::new(),
        certificate: None,
    };
    Some(Login::start(settings).0)
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).saturating_add(4);
    out.extend(length.to_be_bytes());
    out.extend(body);
    out
}
