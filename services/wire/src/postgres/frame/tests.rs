//! Messages whole, cut and impossible.

use proptest::prelude::*;

use super::*;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, tag, |out| out.extend_from_slice(body));
    out
}

#[test]
fn a_message_is_split_off_when_it_is_whole() {
    let whole = message(b'Q', b"select 1\0");
    let mut buffer = BytesMut::new();
    for (position, byte) in whole.iter().enumerate() {
        assert_eq!(split(&mut buffer, 100), Ok(None), "after {position} bytes");
        buffer.extend_from_slice(&[*byte]);
    }
    buffer.extend_from_slice(b"more");
    let first = split(&mut buffer, 100).unwrap().unwrap();
    assert_eq!((first.tag, first.body.as_ref()), (b'Q', b"select 1\0".as_ref()));
    assert_eq!(buffer.as_ref(), b"more");
}

#[test]
fn a_message_that_is_too_long_is_refused_by_its_header() {
    let mut buffer = BytesMut::from(&b"Q\0\0\x01\0"[..]);
    assert_eq!(split(&mut buffer, 251), Err(Error::TooLong { tag: b'Q', length: 252 }));
    assert_eq!(split(&mut buffer, 252), Ok(None));
}

#[test]
fn lengths_that_can_not_be_are_refused() {
    for length in [[0, 0, 0, 3], [0, 0, 0, 0], [0x80, 0, 0, 0], [255, 255, 255, 255]] {
        let mut stream = vec![b'D'];
        stream.extend(length);
        let impossible = Error::ImpossibleLength { tag: b'D' };
        assert_eq!(split(&mut BytesMut::from(&stream[..]), u32::MAX), Err(impossible));
        assert_eq!(Scanner::default().step(&mut &stream[..]), Err(impossible));
    }
}

#[test]
fn a_boundary_is_reached_between_messages_only() {
    let mut boundary = Boundary::default();
    assert!(boundary.reached());
    let stream = [message(b'D', b"row"), message(b'I', b"")].concat();
    let reached: Vec<bool> = stream
        .iter()
        .map(|byte| {
            boundary.advance(&[*byte]);
            boundary.reached()
        })
        .collect();
    let expected: Vec<bool> = (1..=stream.len()).map(|at| at == 8 || at == 13).collect();
    assert_eq!(reached, expected);
}

#[test]
fn a_boundary_is_never_reached_again_after_nonsense() {
    let mut boundary = Boundary::default();
    boundary.advance(b"D\0\0\0\0");
    boundary.advance(&message(b'I', b""));
    assert!(!boundary.reached());
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_make_no_panic(pieces in any::<Vec<Vec<u8>>>()) {
        let mut buffer = BytesMut::new();
        let mut boundary = Boundary::default();
        for piece in &pieces {
            buffer.extend_from_slice(piece);
            while let Ok(Some(_)) = split(&mut buffer, 1000) {}
            boundary.advance(piece);
        }
    }

    #[test]
    fn messages_are_the_same_however_they_are_cut(
        bodies in prop::collection::vec(any::<Vec<u8>>(), 1..8), cut in 1_usize..40,
    ) {
        let stream: Vec<u8> = bodies.iter().flat_map(|body| message(b'd', body)).collect();
        let mut scanner = Scanner::default();
        let mut seen: Vec<Vec<u8>> = Vec::new();
        for mut piece in stream.chunks(cut) {
            while let Some(step) = scanner.step(&mut piece).unwrap() {
                match step {
                    Step::Begin { tag, .. } => {
                        prop_assert_eq!(tag, b'd');
                        seen.push(Vec::new());
                    }
                    Step::Body { piece, .. } => seen.last_mut().unwrap().extend(piece),
                }
            }
        }
        prop_assert!(scanner.between_messages());
        prop_assert_eq!(seen, bodies);
    }
}
