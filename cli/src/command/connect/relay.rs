//! The session behind a local port: each connection to it is a channel.

use std::{collections::HashMap, io, time::Duration};

use anyhow::{Result, bail};
use hoop_client::{Error, Event, Pipe};
use hoop_domain::EndReason;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use crate::output::{printable, say};

/// How long the last bytes and the good-bye may take.
const GOOD_BYE: Duration = Duration::from_secs(5);

/// Who waited so long wonders what happened.
const WORTH_A_WORD: Duration = Duration::from_secs(2);

/// Local connections that wait for their target, by channel.
type Waiting = HashMap<u32, TcpStream>;

/// Relays until one side ends the session, or Ctrl-C does.
pub(crate) async fn run(mut pipe: Pipe, listener: TcpListener) -> Result<()> {
    let mut waiting = Waiting::new();
    // Made once: a signal that comes while an event is handled must not be lost.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            biased;
            event = pipe.event() => match event {
                Ok(Event::End { reason, message }) => return ended(pipe, reason, &message).await,
                Ok(event) => happened(&mut pipe, &mut waiting, event)?,
                Err(Error::Closed { reason, message }) => {
                    return ended(pipe, reason, &message).await;
                }
                Err(error) => {
                    pipe.end(EndReason::ClientClosed, EndReason::ClientClosed.message());
                    pipe.closed(GOOD_BYE).await;
                    return Err(error.into());
                }
            },
            accepted = listener.accept() => accept(&mut pipe, &mut waiting, accepted).await?,
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    pipe.end(EndReason::ClientClosed, EndReason::ClientClosed.message());
    pipe.closed(GOOD_BYE).await;
    say("session ended");
    Ok(())
}

async fn accept(
    pipe: &mut Pipe,
    waiting: &mut Waiting,
    accepted: io::Result<(TcpStream, std::net::SocketAddr)>,
) -> Result<()> {
    match accepted {
        Ok((socket, _)) => {
            // Typing must not wait for a second keystroke.
            let _ = socket.set_nodelay(true);
            waiting.insert(pipe.open_tcp()?, socket);
        }
        // Out of file descriptors, mostly: those that are open may go on.
        Err(error) => {
            say(&format!("a local connection was not accepted: {error}"));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

fn happened(pipe: &mut Pipe, waiting: &mut Waiting, event: Event) -> Result<()> {
    match event {
        Event::Ready { channel, .. } => {
            if let Some(socket) = waiting.remove(&channel) {
                let (reader, writer) = socket.into_split();
                pipe.attach(channel, reader, writer);
            }
        }
        Event::Failed { channel, message, .. } => {
            waiting.remove(&channel);
            say(&format!("a connection failed: {}", printable(&message)));
        }
        Event::Finished { channel } => {
            waiting.remove(&channel);
        }
        Event::Open { .. } => {
            bail!("the gateway asked this end to reach a target, which only agents do")
        }
        Event::Notice { message } => say(&printable(&message)),
        Event::Resumed { away } if WORTH_A_WORD <= away => {
            say(&format!("the gateway was away for {:.1} s; nothing was lost", away.as_secs_f32()));
        }
        Event::Cancel { .. }
        | Event::ReaderEnded { .. }
        | Event::Resize { .. }
        | Event::Exit { .. }
        | Event::Resumed { .. }
        | Event::End { .. } => {}
    }
    Ok(())
}

/// The other side ended the session: what has arrived is still delivered.
async fn ended(mut pipe: Pipe, reason: EndReason, message: &str) -> Result<()> {
    let _ = timeout(GOOD_BYE, pipe.settle()).await;
    // A stream that only breaks would be waited for.
    pipe.end(reason, message);
    pipe.closed(GOOD_BYE).await;
    match reason {
        EndReason::ClientClosed => Ok(()),
        _ => bail!("the session ended: {}", printable(message)),
    }
}
