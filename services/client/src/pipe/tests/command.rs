//! Channels on which a command runs, at either end.

use hoop_proto::v1::{ChannelExit, ExecOpen, Notice, TerminalResize};

use super::*;

fn exec() -> Kind {
    Kind::Exec(ExecOpen::default())
}

const fn exit(code: i32) -> Body {
    Body::ChannelExit(ChannelExit { code, signal: 0 })
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

impl Rig {
    /// Opens a command's channel from the other end: its stdin, stdout and stderr.
    async fn command(&mut self) -> (DuplexStream, DuplexStream, DuplexStream) {
        self.deliver(1, Body::ChannelOpen(ChannelOpen { kind: Some(exec()) }));
        assert!(matches!(self.event().await, Ok(Event::Open { channel: 1, kind: Kind::Exec(_) })));
        let ((stdin, in_end), (stdout, out_end), (stderr, err_end)) =
            (duplex(64), duplex(64), duplex(64));
        self.pipe.ready_command(1, stdin, stdout, Some(Box::new(stderr))).unwrap();
        assert!(matches!(self.payload().await, (1, Body::ChannelReady(_))));
        (in_end, out_end, err_end)
    }

    /// Opens a command's channel from this end: the client's stdin, stdout and stderr.
    async fn call(&mut self) -> (DuplexStream, DuplexStream, DuplexStream) {
        assert_eq!(self.pipe.open_command(ExecOpen::default()).unwrap(), 1);
        assert!(matches!(self.payload().await, (1, Body::ChannelOpen(_))));
        self.deliver(1, Body::ChannelReady(ChannelReady::default()));
        assert!(matches!(self.event().await, Ok(Event::Ready { channel: 1, .. })));
        let ((stdin, in_end), (stdout, out_end), (stderr, err_end)) =
            (duplex(64), duplex(16), duplex(16));
        self.pipe.attach_command(1, stdin, stdout, stderr);
        (in_end, out_end, err_end)
    }
}

#[tokio::test]
async fn the_exit_comes_after_both_outputs_and_before_the_close() {
    let mut rig = Rig::new(0).await;
    let (_stdin, mut stdout, mut stderr) = rig.command().await;
    rig.pipe.exit(1, 3, 0);
    stdout.write_all(b"out").await.unwrap();
    stderr.write_all(b"err").await.unwrap();
    let mut got = [rig.payload().await.1, rig.payload().await.1];
    got.sort_by_key(|body| matches!(body, Body::Stderr(_)));
    assert_eq!(got, [Body::Data(bytes("out")), Body::Stderr(bytes("err"))]);

    drop(stdout);
    assert!(pending(rig.outgoing.next()).await, "stderr may still say something");
    drop(stderr);
    assert_eq!(rig.payload().await.1, exit(3));
    assert_eq!(rig.payload().await.1, Body::ChannelClose(ChannelClose { abort: false }));
    assert_eq!(rig.event().await.unwrap(), Event::ReaderEnded { channel: 1 });
    assert_eq!(rig.event().await.unwrap(), Event::Finished { channel: 1 });
}

#[tokio::test]
async fn a_command_that_closed_its_outputs_is_not_over() {
    let mut rig = Rig::new(0).await;
    let (mut stdin, stdout, stderr) = rig.command().await;
    drop((stdout, stderr));
    assert!(pending(rig.outgoing.next()).await);
    rig.deliver(1, Body::Data(bytes("still read")));
    let mut got = [0; 10];
    tokio::select! {
        read = stdin.read_exact(&mut got) => drop(read.unwrap()),
        frame = rig.sent() => panic!("{frame:?} was not expected"),
    }
    rig.pipe.exit(1, 0, 0);
    assert_eq!(rig.payload().await.1, exit(0));
}

#[tokio::test]
async fn a_command_that_closed_its_input_goes_on_printing() {
    let mut rig = Rig::new(0).await;
    let (stdin, mut stdout, _stderr) = rig.command().await;
    drop(stdin);
    for _ in 0..4 {
        rig.deliver(1, data(200 * 1024));
    }
    // What nobody reads is granted again, so that the client gets to its end.
    let granted = rig.sent().await;
    assert!(matches!(granted, Some(up::Frame::Credit(Credit { channel: 1, .. }))), "{granted:?}");
    stdout.write_all(b"done").await.unwrap();
    assert_eq!(rig.payload().await.1, Body::Data(bytes("done")));
}

#[tokio::test]
async fn both_outputs_share_the_credit_of_their_channel() {
    let mut rig = Rig::new(4096).await;
    let (_stdin, mut stdout, mut stderr) = rig.command().await;
    let mut left = 4096;
    for turn in 0..64 {
        let output = if turn % 2 == 0 { &mut stdout } else { &mut stderr };
        output.write_all(&[1; 64]).await.unwrap();
        if left < 2048 {
            assert!(pending(rig.outgoing.next()).await, "{left} is not enough to go on");
            return;
        }
        let (_, Body::Data(piece) | Body::Stderr(piece)) = rig.payload().await else {
            panic!("data was expected")
        };
        left -= piece.len() + FRAME_COST;
    }
    panic!("more was sent than was granted");
}

#[tokio::test]
async fn a_client_is_told_the_exit_once_it_has_everything() {
    let mut rig = Rig::new(0).await;
    let (_stdin, mut stdout, mut stderr) = rig.call().await;
    rig.deliver(1, Body::Data(bytes("more than sixteen bytes of output")));
    rig.deliver(1, Body::Stderr(bytes("more than sixteen bytes of errors")));
    rig.deliver(1, exit(7));
    rig.deliver(1, Body::ChannelClose(ChannelClose { abort: false }));
    let end = SessionEnd { code: "target_closed".into(), message: String::new() };
    rig.deliver(0, Body::SessionEnd(end));
    rig.edge.send(Err(Status::unavailable("gone"))).unwrap();
    assert!(pending(rig.pipe.event()).await, "the output is not read yet");

    let (mut out, mut err) = (String::new(), String::new());
    let told = async {
        let mut told = Vec::new();
        while !matches!(told.last(), Some(Event::End { .. })) {
            told.push(rig.pipe.event().await.unwrap());
        }
        told
    };
    let (told, read, read_too) =
        tokio::join!(told, stdout.read_to_string(&mut out), stderr.read_to_string(&mut err));
    read.and(read_too).unwrap();
    assert_eq!(out + &err, "more than sixteen bytes of outputmore than sixteen bytes of errors");
    assert_eq!(told[0], Event::Exit { channel: 1, code: 7, signal: 0 });
    assert_eq!(told[1], Event::Finished { channel: 1 });
    assert_eq!(told.len(), 3);
    assert!(matches!(rig.pipe.event().await, Err(Error::Broken(_))));
}

#[tokio::test]
async fn an_exit_waits_for_the_client_to_be_attached() {
    let mut rig = Rig::new(0).await;
    rig.pipe.open_command(ExecOpen::default()).unwrap();
    rig.deliver(1, Body::ChannelReady(ChannelReady::default()));
    rig.deliver(1, Body::Data(bytes("quick")));
    rig.deliver(1, exit(0));
    assert!(matches!(rig.event().await, Ok(Event::Ready { .. })));
    assert!(pending(rig.pipe.event()).await);
    let (stdout, mut out_end) = duplex(64);
    rig.pipe.attach_command(1, tokio::io::empty(), stdout, tokio::io::sink());
    while !matches!(rig.event().await, Ok(Event::Exit { code: 0, .. })) {}
    let mut got = [0; 5];
    out_end.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"quick");
}

#[tokio::test]
async fn the_end_of_a_clients_input_is_a_half_close_and_a_closed_output_an_abort() {
    let mut rig = Rig::new(0).await;
    let (mut stdin, stdout, _stderr) = rig.call().await;
    stdin.write_all(b"script").await.unwrap();
    drop(stdin);
    assert_eq!(rig.payload().await.1, Body::Data(bytes("script")));
    assert_eq!(rig.payload().await.1, Body::ChannelClose(ChannelClose { abort: false }));
    assert_eq!(rig.event().await.unwrap(), Event::ReaderEnded { channel: 1 });
    drop(stdout);
    rig.deliver(1, Body::Data(bytes("nobody reads this")));
    assert_eq!(rig.event().await.unwrap(), Event::Finished { channel: 1 });
    assert_eq!(rig.payload().await.1, Body::ChannelClose(ChannelClose { abort: true }));
}

#[tokio::test]
async fn of_a_flood_of_sizes_the_last_one_arrives() {
    let mut rig = Rig::new(0).await;
    let _command = rig.command().await;
    for columns in 0..10_000 {
        rig.deliver(1, Body::TerminalResize(TerminalResize { columns, rows: 24 }));
    }
    let mut sizes = 0;
    loop {
        let Ok(Event::Resize { columns, rows: 24, channel: 1 }) = rig.event().await else {
            panic!("a size was expected")
        };
        sizes += 1;
        if columns == 9999 {
            break;
        }
    }
    assert!(sizes < 1000, "{sizes} were handed on");

    let mut rig = Rig::new(0).await;
    let _call = rig.call().await;
    for columns in 0..10_000 {
        rig.pipe.resize(1, columns, 24).unwrap();
    }
    let size = TerminalResize { columns: 9999, rows: 24 };
    assert_eq!(rig.payload().await, (1, Body::TerminalResize(size)));
    assert!(pending(rig.outgoing.next()).await);
}

#[tokio::test]
async fn a_packet_without_a_place_ends_the_session() {
    let close = ChannelClose { abort: false };
    let size = TerminalResize::default();
    for body in
        [data(1), Body::Stderr(bytes("x")), Body::ChannelClose(close), Body::TerminalResize(size)]
    {
        let mut rig = Rig::new(0).await;
        let _target = rig.target(1, 64).await;
        rig.deliver(2, body.clone());
        assert!(matches!(rig.event().await, Err(Error::Violation(_))), "{body:?} for nothing");
    }
    for body in [Body::Stderr(bytes("x")), Body::TerminalResize(size), exit(0)] {
        let mut rig = Rig::new(0).await;
        let _target = rig.target(1, 64).await;
        rig.deliver(1, body.clone());
        assert!(matches!(rig.event().await, Err(Error::Violation(_))), "{body:?} for a socket");
    }
}

#[tokio::test]
async fn what_comes_for_a_channel_that_was_closed_is_harmless() {
    let mut rig = Rig::new(0).await;
    let _target = rig.target(1, 64).await;
    rig.pipe.abort(1).unwrap();
    rig.deliver(1, data(1));
    rig.deliver(1, Body::TerminalResize(TerminalResize::default()));
    rig.frame(down::Frame::Notice(Notice { message: "soon".into() }));
    assert_eq!(rig.event().await.unwrap(), Event::Notice { message: "soon".into() });
    rig.deliver(1, Body::ChannelOpen(ChannelOpen { kind: Some(exec()) }));
    assert!(matches!(rig.event().await, Err(Error::Violation(_))), "numbers are not used twice");
}
