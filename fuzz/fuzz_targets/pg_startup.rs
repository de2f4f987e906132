//! The first message of a client: anybody who reaches the port can send this.
#![no_main]

use bytes::BytesMut;
use hoop_wire::postgres::{
    auth,
    frame,
    scram::{ITERATIONS, Mechanism, Server, Verifier},
    startup::{self, First},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut buffer = BytesMut::from(data);
    while let Ok(Some(first)) = startup::decode(&mut buffer) {
        if let First::Startup(startup) = first {
            assert!(startup.version() <= startup.requested);
            assert!(!startup.user.is_empty() && !startup.database.is_empty());
        }
    }
    // What comes next on the same connection: the password.
    while let Ok(Some(message)) = frame::split(&mut buffer, 8192) {
        let Some((_, Some(first))) = auth::decode_sasl_initial_response(&message.body) else {
            continue;
        };
        let Ok(verifier) = Verifier::new(&[1; 16], ITERATIONS.get(), &[2; 32], &[3; 32]) else {
            return;
        };
        if let Ok((server, _)) = Server::start(verifier, Mechanism::Sha256, None, first) {
            assert!(server.finish(&buffer).is_err(), "nobody knows this password");
        }
    }
});
