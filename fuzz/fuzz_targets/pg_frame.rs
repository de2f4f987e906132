//! Streams of messages: splitting and scanning agree, however the bytes are cut.
#![no_main]

use bytes::BytesMut;
use hoop_wire::postgres::frame::{self, Boundary, Scanner, Step};
use libfuzzer_sys::fuzz_target;

const LARGEST: u32 = 4096;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, data) = input;
    let cut = usize::from(cut).max(1);

    let mut split = Vec::new();
    let mut buffer = BytesMut::new();
    let mut refused = false;
    for piece in data.chunks(cut) {
        buffer.extend_from_slice(piece);
        loop {
            match frame::split(&mut buffer, LARGEST) {
                Ok(Some(message)) => split.push((message.tag, message.body.to_vec())),
                Ok(None) => break,
                Err(_) => {
                    refused = true;
                    break;
                }
            }
        }
        if refused {
            break;
        }
        assert!(buffer.len() <= frame::HEADER + LARGEST as usize);
    }

    let mut scanned: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut scanner = Scanner::default();
    let mut boundary = Boundary::default();
    boundary.advance(data);
    let mut rest = data;
    while let Ok(Some(step)) = scanner.step(&mut rest) {
        match step {
            Step::Begin { tag, .. } => scanned.push((tag, Vec::new())),
            Step::Body { piece, .. } => {
                if let Some((_, body)) = scanned.last_mut() {
                    body.extend_from_slice(piece);
                }
            }
        }
    }
    assert!(split.len() <= scanned.len());
    for (one, other) in split.iter().zip(&scanned) {
        assert_eq!(one, other);
    }
    if boundary.reached() && !refused {
        assert_eq!(split.len(), scanned.len());
    }
});
