//! Parse, Bind, Execute: named, pipelined, failed.

use super::{super::*, conversation::*};

const INT4: u32 = 23;

#[test]
fn an_unnamed_statement_is_one_exchange_with_its_values() {
    let mut talk = Conversation::default();
    talk.parse("", "select $1, $2", &[]).bind("", "", 0, &[Some(b"a'b"), None]);
    talk.client(b'D', b"P\0").execute("").sync();
    talk.server(b'1', b"").server(b'2', b"").server(b'T', b"\0\0").rows(2).complete("SELECT 2");
    talk.ready();
    let (done, open) = talk.end();
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(told(&done), ["select $1, $2 → SELECT 2"]);
    assert_eq!(done[0].kind, Kind::Extended);
    assert_eq!(done[0].parameters, [Some("a'b".to_owned()), None]);
    assert_eq!((done[0].rows, done[0].started_at), (2, 4));
}

#[test]
fn a_named_statement_is_known_until_it_is_closed() {
    let mut talk = Conversation::default();
    talk.parse("s1", "select 1", &[]).sync().server(b'1', b"").ready();
    for _ in 0..2 {
        talk.bind("", "s1", 0, &[]).execute("").sync();
        talk.server(b'2', b"").rows(1).complete("SELECT 1").ready();
    }
    talk.client(b'C', b"Ss1\0").sync().server(b'3', b"").ready();
    talk.bind("", "s1", 0, &[]).execute("").sync().fail("26000").ready();
    assert_eq!(
        told(&talk.end().0),
        ["select 1 → SELECT 1", "select 1 → SELECT 1", "EXECUTE \"s1\" ! 26000"]
    );
}

#[test]
fn binary_values_are_readable_where_their_type_is_known() {
    let seven = 7_i32.to_be_bytes();
    let mut talk = Conversation::default();
    // Known from Parse.
    talk.parse("", "select $1", &[INT4]).bind("", "", 1, &[Some(&seven)]).execute("").sync();
    talk.server(b'1', b"").server(b'2', b"").complete("SELECT 1").ready();
    // Known from the server's description.
    talk.parse("d", "select $1", &[]).client(b'D', b"Sd\0").sync();
    talk.server(b'1', b"").server(b't', b"\0\x01\0\0\0\x17").server(b'n', b"").ready();
    talk.bind("", "d", 1, &[Some(&seven)]).execute("").sync();
    talk.server(b'2', b"").complete("SELECT 1").ready();
    // Not known.
    talk.parse("", "select $1", &[]).bind("", "", 1, &[Some(&seven)]).execute("").sync();
    talk.server(b'1', b"").server(b'2', b"").complete("SELECT 1").ready();
    let values: Vec<_> = talk.end().0.into_iter().flat_map(|e| e.parameters).collect();
    let expected = ["7", "7", "\\x00000007"].map(|text| Some(text.to_owned()));
    assert_eq!(values, expected);
}

#[test]
fn a_pipeline_keeps_its_statements_apart() {
    let mut talk = Conversation::default();
    for sql in ["a", "b", "c"] {
        talk.parse("", sql, &[]).bind("", "", 0, &[]).execute("");
    }
    talk.sync();
    for tag in ["A", "B", "C"] {
        talk.server(b'1', b"").server(b'2', b"").complete(tag);
    }
    talk.ready();
    assert_eq!(told(&talk.end().0), ["a → A", "b → B", "c → C"]);
}

#[test]
fn an_error_skips_what_was_asked_up_to_the_next_sync() {
    let mut talk = Conversation::default();
    for sql in ["a", "wrong", "skipped"] {
        talk.parse("", sql, &[]).bind("", "", 0, &[]).execute("");
    }
    talk.sync().parse("", "d", &[]).bind("", "", 0, &[]).execute("").sync();
    talk.server(b'1', b"").server(b'2', b"").complete("A").fail("42601").ready();
    talk.server(b'1', b"").server(b'2', b"").complete("D").ready();
    assert_eq!(told(&talk.end().0), ["a → A", "wrong ! 42601", "d → D"]);
}

#[test]
fn an_error_also_skips_what_is_asked_after_it() {
    let mut talk = Conversation::default();
    talk.parse("", "wrong", &[]).client(b'H', b"").fail("42601");
    talk.bind("", "", 0, &[]).execute("").sync().ready();
    talk.query("next").complete("NEXT").ready();
    assert_eq!(told(&talk.end().0), ["wrong ! 42601", "next → NEXT"]);
}

#[test]
fn an_error_in_the_middle_of_the_rows_is_the_statements() {
    let mut talk = Conversation::default();
    talk.parse("", "select 1/x", &[]).bind("", "", 0, &[]).execute("").sync();
    talk.server(b'1', b"").server(b'2', b"").rows(5).fail("22012").ready();
    let (done, _) = talk.end();
    assert_eq!(told(&done), ["select 1/x ! 22012"]);
    assert_eq!(done[0].rows, 5);
    assert_eq!(done[0].error.as_ref().map(|error| error.message.as_str()), Some("no"));
}

#[test]
fn an_error_at_the_commit_is_told_and_breaks_nothing() {
    let mut talk = Conversation::default();
    talk.parse("", "insert", &[]).bind("", "", 0, &[]).execute("").sync();
    talk.server(b'1', b"").server(b'2', b"").complete("INSERT 0 1").fail("23503").ready();
    talk.query("next").complete("NEXT").ready();
    assert_eq!(told(&talk.end().0), ["insert → INSERT 0 1", " ! 23503", "next → NEXT"]);
}

#[test]
fn a_portal_that_is_read_in_parts_is_an_exchange_each() {
    let mut talk = Conversation::default();
    talk.parse("", "select big", &[]).bind("p", "", 0, &[]).execute("p").client(b'H', b"");
    talk.server(b'1', b"").server(b'2', b"").rows(2).server(b's', b"");
    talk.execute("p").sync().rows(1).complete("SELECT 3").ready();
    let (done, _) = talk.end();
    assert_eq!(told(&done), ["select big → ", "select big → SELECT 3"]);
    assert_eq!(done.iter().map(|exchange| exchange.rows).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn what_was_never_answered_has_its_statement() {
    let mut talk = Conversation::default();
    talk.parse("", "select pg_sleep($1)", &[]).bind("", "", 0, &[Some(b"9")]).execute("").sync();
    let (_, open) = talk.end();
    assert_eq!(told(&open), ["select pg_sleep($1) → "]);
    assert_eq!(open[0].parameters, [Some("9".to_owned())]);
}
