//! COPY in both directions.

use super::{super::*, conversation::*};

#[test]
fn copy_out_is_counted_and_not_kept() {
    let mut talk = Conversation::default();
    talk.query("copy t to stdout").server(b'H', b"\0\0\0");
    for _ in 0..10 {
        talk.server(b'd', &[b'x'; 1000]);
    }
    talk.server(b'c', b"").complete("COPY 10").ready();
    let (done, _) = talk.end();
    assert_eq!(told(&done), ["copy t to stdout → COPY 10"]);
    assert_eq!((done[0].kind, done[0].rows), (Kind::Copy, 0));
    assert_eq!(done[0].bytes_out, 8 + 10 * 1005 + 5 + 13 + 6);
}

#[test]
fn copy_in_is_counted_and_not_kept() {
    let mut talk = Conversation::default();
    talk.query("copy t from stdin").server(b'G', b"\0\0\0");
    talk.client(b'd', b"1\n").client(b'd', b"2\n").client(b'c', b"");
    talk.complete("COPY 2").ready().query("next").complete("NEXT").ready();
    let (done, _) = talk.end();
    assert_eq!(told(&done), ["copy t from stdin → COPY 2", "next → NEXT"]);
    assert_eq!((done[0].kind, done[0].bytes_in), (Kind::Copy, 23 + 7 + 7 + 5));
}

/// libpq sends Sync with the query and again after the data; the server overlooks the first.
#[test]
fn copy_in_by_extended_query_overlooks_what_was_asked_meanwhile() {
    let mut talk = Conversation::default();
    talk.parse("", "copy t from stdin", &[]).bind("", "", 0, &[]).execute("").sync();
    talk.server(b'1', b"").server(b'2', b"").server(b'G', b"\0\0\0");
    talk.client(b'd', b"1\n").client(b'H', b"").sync().client(b'c', b"").sync();
    talk.complete("COPY 1").ready().query("next").complete("NEXT").ready();
    let (done, open) = talk.end();
    assert_eq!(told(&done), ["copy t from stdin → COPY 1", "next → NEXT"]);
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_copy_that_fails_is_told() {
    let mut talk = Conversation::default();
    talk.query("copy t from stdin").server(b'G', b"\0\0\0").client(b'd', b"x\n");
    talk.fail("22P02").client(b'd', b"y\n").client(b'c', b"").ready();
    talk.query("copy t from stdin").server(b'G', b"\0\0\0").client(b'f', b"no\0");
    talk.fail("57014").ready();
    assert_eq!(told(&talk.end().0), ["copy t from stdin ! 22P02", "copy t from stdin ! 57014"]);
}

#[test]
fn a_copy_by_extended_query_that_fails_skips_to_sync() {
    let mut talk = Conversation::default();
    talk.parse("", "copy t from stdin", &[]).bind("", "", 0, &[]).execute("").sync();
    talk.server(b'1', b"").server(b'2', b"").server(b'G', b"\0\0\0");
    talk.client(b'd', b"x\n").fail("22P02").client(b'd', b"y\n").client(b'c', b"").sync();
    talk.ready().query("next").complete("NEXT").ready();
    assert_eq!(told(&talk.end().0), ["copy t from stdin ! 22P02", "next → NEXT"]);
}
