//! The byte pump: what the client says goes to the target, and the other way round, as it
//! comes and in as large pieces as it comes.
//!
//! No message is parsed on the way. In the direction of the client their lengths are
//! counted, so that what we have to say is only written where a message may begin.

mod reading;

use std::{pin::pin, time::Duration};

use bytes::BytesMut;
use hoop_domain::EndReason;
use hoop_wire::postgres::frame::Boundary;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use crate::{
    FromTarget, SessionRx, SessionTx, ToTarget, error::Refusal, notices::Notices, pieces::Pieces,
};

use reading::Reading;

/// How long one half goes on after the other has ended.
const GRACE: Duration = Duration::from_secs(5);

/// How long a farewell waits for the client to take it, and to hang up.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is gathered for one write when more than one piece waits.
const GATHERED: usize = 64 * 1024;

/// Why the half towards the client stopped.
enum Stopped {
    /// The session is over.
    Ended { reason: EndReason, message: String },
    /// The client doesn't take any more.
    ClientGone,
}

/// Pumps until one side has had enough, and says farewell.
pub(crate) async fn run<S, Tx, Rx>(io: S, ahead: BytesMut, mut tx: Tx, mut rx: Rx)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    Tx: SessionTx,
    Rx: SessionRx,
{
    let (mut reader, mut writer) = tokio::io::split(io);
    let mut boundary = Boundary::default();
    let stopped = {
        let mut up = pin!(towards_target(&mut reader, ahead, &mut tx));
        let mut down = pin!(towards_client(&mut writer, &mut rx, &mut boundary));
        tokio::select! {
            stopped = &mut down => Some(stopped),
            // Nothing more will be sent, but what is on its way may still arrive.
            () = &mut up => timeout(GRACE, down).await.ok(),
        }
    };
    let Some(Stopped::Ended { reason, message }) = stopped else { return };
    // The gateway needn't wait for the client to hang up.
    drop((tx, rx));
    let mut out = Vec::new();
    if boundary.reached()
        && let Some(refusal) = Refusal::farewell(reason, &message)
    {
        refusal.encode(&mut out);
    }
    farewell(&mut reader.unsplit(writer), &out).await;
}

/// Reads until the client hangs up or the session has ended.
async fn towards_target<R: AsyncRead + Unpin, Tx: SessionTx>(
    reader: &mut R,
    ahead: BytesMut,
    tx: &mut Tx,
) {
    if !ahead.is_empty() && tx.send(ToTarget::Data(ahead.freeze())).await.is_err() {
        return;
    }
    let mut reading = Reading::default();
    loop {
        let piece = tokio::select! {
            biased;
            piece = reading.next(reader) => piece,
            () = tx.ended() => return,
        };
        let Ok(Some(piece)) = piece else { break };
        if tx.send(ToTarget::Data(piece)).await.is_err() {
            return;
        }
    }
    // If the session has ended already, the other half hears why.
    let _ = tx.send(ToTarget::Close).await;
}

/// Writes until the session has ended.
async fn towards_client<W: AsyncWrite + Unpin, Rx: SessionRx>(
    writer: &mut W,
    rx: &mut Rx,
    boundary: &mut Boundary,
) -> Stopped {
    let mut pieces = Pieces::default();
    let mut notices = Notices::default();
    let mut next = None;
    loop {
        let item = match next.take() {
            Some(item) => item,
            None => rx.recv().await,
        };
        match item {
            FromTarget::Data(piece) => {
                pieces.push(piece);
                next = gather(&mut pieces, rx).await;
            }
            FromTarget::Notice(sentence) => notices.push(sentence),
            FromTarget::Ready { .. } => continue,
            FromTarget::Failed { reason, message } | FromTarget::Ended { reason, message } => {
                return Stopped::Ended { reason, message };
            }
        }
        if notices.is_empty() {
            for piece in pieces.iter() {
                boundary.advance(piece);
            }
        } else {
            notices.weave(&mut pieces, boundary);
        }
        if pieces.is_empty() {
            continue;
        }
        if writer.write_all_buf(&mut pieces).await.is_err() || writer.flush().await.is_err() {
            return Stopped::ClientGone;
        }
    }
}

/// Takes what waits already, up to a bound; returns what is not data.
async fn gather<Rx: SessionRx>(pieces: &mut Pieces, rx: &mut Rx) -> Option<FromTarget> {
    while pieces.has_room(GATHERED) {
        match reading::now_or_never(rx.recv()).await {
            Some(FromTarget::Data(piece)) => pieces.push(piece),
            other => return other,
        }
    }
    None
}

/// Writes the last bytes and closes in a way that lets the client read them: a socket that
/// is dropped with unread input resets the connection, and the client loses what it has not
/// read yet.
pub(crate) async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(io: &mut S, last: &[u8]) {
    let closing = async {
        io.write_all(last).await?;
        io.shutdown().await?;
        let mut rest = [0; 512];
        while 0 < io.read(&mut rest).await? {}
        std::io::Result::Ok(())
    };
    // The client is gone, or doesn't hang up: either way we are done with it.
    let _ = timeout(FAREWELL, closing).await;
}

#[cfg(test)]
mod tests;
