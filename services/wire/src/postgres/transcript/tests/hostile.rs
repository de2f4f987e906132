//! Bytes that want to fill the memory or to break the reader.

use proptest::prelude::*;

use super::{super::*, conversation::*};

#[test]
fn a_long_statement_is_cut_and_says_so() {
    let long = format!("select '{}'", "ü".repeat(LONGEST_SQL));
    let mut talk = Conversation::default();
    talk.query(&long).complete("SELECT 1").ready();
    talk.parse("", &long, &[]).bind("", "", 0, &[]).execute("").sync();
    talk.server(b'1', b"").server(b'2', b"").complete("SELECT 1").ready();
    let (done, _) = talk.end();
    assert_eq!(done.len(), 2);
    for exchange in done {
        assert!(exchange.truncated && exchange.sql.len() <= LONGEST_SQL);
        assert!(long.starts_with(&exchange.sql) && LONGEST_SQL - 8 < exchange.sql.len());
    }
}

#[test]
fn a_long_value_is_cut_and_says_so() {
    let mut talk = Conversation::default();
    for length in [LONGEST_PARAMETER, LONGEST_PARAMETER + 1, 1_000_000] {
        let value = vec![b'x'; length];
        talk.parse("", "select $1", &[]).bind("", "", 0, &[Some(&value)]).execute("").sync();
        talk.server(b'1', b"").server(b'2', b"").complete("SELECT 1").ready();
    }
    let (done, _) = talk.end();
    assert_eq!(done.iter().map(|e| e.truncated).collect::<Vec<_>>(), [false, true, true]);
    for exchange in done {
        assert_eq!(exchange.parameters[0].as_ref().map(String::len), Some(LONGEST_PARAMETER));
    }
}

#[test]
fn many_long_statements_are_kept_shortened() {
    let long = "x".repeat(LONGEST_SQL);
    let mut talk = Conversation::default();
    for number in 0..300 {
        talk.parse(&number.to_string(), &long, &[]).sync().server(b'1', b"").ready();
    }
    for number in ["0", "299"] {
        talk.bind("", number, 0, &[]).execute("").sync();
        talk.server(b'2', b"").complete("SELECT 1").ready();
    }
    let (done, _) = talk.end();
    assert_eq!((done[0].sql.len(), done[0].truncated), (LONGEST_SQL, false));
    assert_eq!((done[1].sql.len(), done[1].truncated), (256, true));
}

#[test]
fn a_pipeline_that_is_never_answered_does_not_fill_the_memory() {
    let mut transcript = Transcript::new();
    let long = message(b'Q', &text(&["x".repeat(LONGEST_SQL).as_str()]));
    for _ in 0..2000 {
        transcript.feed(Sender::Client, 1, &long);
    }
    let kept: usize = transcript.finish().iter().map(|exchange| exchange.sql.len()).sum();
    assert!(kept < 10 * 1024 * 1024, "{kept}");

    let mut transcript = Transcript::new();
    let syncs = message(b'S', b"").repeat(10_000);
    for _ in 0..100 {
        transcript.feed(Sender::Client, 1, &syncs);
    }
    assert!(transcript.lost());
}

#[test]
fn bytes_that_make_no_sense_end_it_and_leave_what_was_read() {
    let mut talk = Conversation::default();
    talk.query("select 1").complete("SELECT 1").ready();
    let mut transcript = Transcript::new();
    transcript.feed(Sender::Client, 1, &message(b'Q', b"a\0"));
    transcript.feed(Sender::Server, 2, b"D\0\0\0\0");
    assert!(transcript.lost());
    transcript.feed(Sender::Server, 3, b"Z\0\0\0\x05I");
    assert_eq!(transcript.finish().len(), 1);
    assert!(!talk.lost());
}

#[test]
fn messages_that_are_cut_short_are_overlooked() {
    for tag in *b"QPBEDCSFdcf" {
        let mut talk = Conversation::default();
        talk.client(tag, b"").client(tag, b"x").client(tag, b"S").client(tag, b"x\0\xff");
        for answer in *b"123TntDCIsGHWEZVdc" {
            talk.server(answer, b"").server(answer, b"\0");
        }
        assert!(!talk.lost());
    }
}

proptest! {
    #[test]
    fn any_bytes_make_no_panic(pieces in any::<Vec<(bool, Vec<u8>)>>()) {
        let mut transcript = Transcript::new();
        for (client, piece) in pieces {
            transcript.feed(if client { Sender::Client } else { Sender::Server }, 1, &piece);
        }
        drop(transcript.finish());
    }

    #[test]
    fn any_messages_make_no_panic(
        messages in prop::collection::vec(
            prop_oneof![
                (Just(Sender::Client), prop::sample::select(b"QPBEDCSHFdcfX".to_vec())),
                (Just(Sender::Server), prop::sample::select(b"123TntDCIsGHWEZVdcNAS".to_vec())),
            ],
            0..60,
        ),
        body in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..24),
    ) {
        let mut transcript = Transcript::new();
        for ((sender, tag), at) in messages.into_iter().zip(0..) {
            transcript.feed(sender, at, &message(tag, &body));
            while transcript.next_exchange().is_some() {}
        }
        prop_assert!(!transcript.lost());
        drop(transcript.finish());
    }
}
