//! Simple queries, and what comes unasked.

use super::{super::*, conversation::*};

#[test]
fn a_simple_query_is_one_exchange() {
    let mut talk = Conversation::default();
    talk.query("select 1").server(b'T', b"\0\0").rows(3).complete("SELECT 3").ready();
    let (done, open) = talk.end();
    assert!(open.is_empty());
    let [exchange] = done.as_slice() else { panic!("{done:?}") };
    assert_eq!(exchange.kind, Kind::Simple);
    assert_eq!(told(&done), ["select 1 → SELECT 3"]);
    assert_eq!((exchange.rows, exchange.started_at, exchange.finished_at), (3, 1, Some(7)));
    assert_eq!(exchange.bytes_in, 14);
    assert_eq!(exchange.bytes_out, 7 + 3 * 12 + 14 + 6);
    assert!(!exchange.truncated);
}

#[test]
fn several_statements_in_one_query_have_a_tag_each() {
    let mut talk = Conversation::default();
    talk.query("begin; select 1; commit").complete("BEGIN");
    talk.server(b'T', b"\0\0").rows(1).complete("SELECT 1").complete("COMMIT").ready();
    assert_eq!(told(&talk.end().0), ["begin; select 1; commit → BEGIN; SELECT 1; COMMIT"]);
}

#[test]
fn queries_may_be_sent_ahead() {
    let mut talk = Conversation::default();
    talk.query("a").query("b").query("");
    talk.complete("A").ready().fail("42601").ready().server(b'I', b"").ready();
    assert_eq!(told(&talk.end().0), ["a → A", "b ! 42601", " → "]);
}

#[test]
fn notices_and_notifications_belong_to_nobody() {
    let mut talk = Conversation::default();
    talk.server(b'S', b"TimeZone\0UTC\0").query("listen x").server(b'N', b"SNOTICE\0\0");
    talk.complete("LISTEN").ready().server(b'A', b"\0\0\0\x01x\0y\0");
    let (done, open) = talk.end();
    assert_eq!(told(&done), ["listen x → LISTEN"]);
    assert!(open.is_empty());
}

#[test]
fn an_error_that_nobody_asked_for_is_told() {
    let mut talk = Conversation::default();
    talk.fail("57P01");
    let (done, _) = talk.end();
    assert_eq!(told(&done), [" ! 57P01"]);
    assert_eq!(done[0].kind, Kind::Unasked);
}

#[test]
fn what_was_never_answered_is_open_at_the_end() {
    let mut talk = Conversation::default();
    talk.query("select pg_sleep(1000)").client(b'X', b"");
    let (done, open) = talk.end();
    assert!(done.is_empty());
    assert_eq!(open[0].sql, "select pg_sleep(1000)");
    assert_eq!(open[0].finished_at, None);
}

#[test]
fn a_function_call_is_an_exchange() {
    let mut talk = Conversation::default();
    talk.client(b'F', &[0; 12]).server(b'V', &[0; 4]).ready();
    let (done, _) = talk.end();
    assert_eq!((done[0].kind, done[0].bytes_out), (Kind::Function, 9 + 6));
}
