//! One session at the agent's end: channels open, relay and close until it is over.

mod work;

use std::{collections::HashMap, sync::Arc, time::Duration};

use hoop_client::{Error, Event, Pipe, session};
use hoop_domain::{EndReason, SessionId};
use hoop_proto::v1::{SessionOpen, channel_open::Kind};
use tokio::time::timeout;
use tonic::transport::Channel;

use crate::{
    connector::{CancelHandle, Connector, Failure},
    secrets::Secrets,
    sessions::{Context, Stop},
};
use work::{Done, Work};

/// How long the target may take to read the client's last words.
const SETTLE: Duration = Duration::from_secs(5);

/// How long the edge may take to close a stream that has ended.
const CLOSE: Duration = Duration::from_secs(2);

/// A live session.
struct Session {
    id: SessionId,
    connection: String,
    pipe: Pipe,
    connector: Result<Arc<Connector>, Failure>,
    work: Work,
    cancel_handles: HashMap<u32, CancelHandle>,
}

/// Why a session is over.
struct Ended {
    reason: EndReason,
    message: String,
}

/// Takes up the session and runs it to its end. Nothing that happens here reaches another.
pub(crate) async fn run(
    context: Arc<Context>,
    channel: Channel,
    id: SessionId,
    open: SessionOpen,
    stop: Stop,
) {
    // First, because it begins to dial the target.
    let connector = connector(&context, id, &open);
    let SessionOpen { token, connection_name: connection, .. } = open;
    let pipe = match session::attach(channel, &context.credentials, id, token).await {
        Ok(pipe) => pipe,
        Err(error) => {
            tracing::warn!(session = %id, %connection, %error, "session not taken up");
            return;
        }
    };
    drop(context);
    let (work, cancel_handles) = (Work::default(), HashMap::new());
    let mut session = Session { id, connection, pipe, connector, work, cancel_handles };
    match session.serve(stop).await {
        Ok(ended) => {
            let Session { id, connection, .. } = &session;
            tracing::info!(session = %id, %connection, reason = %ended.reason, "session ended");
            session.end(ended).await;
        }
        Err(error) => session.broken(error).await,
    }
    session.cancel_statements().await;
}

fn connector(
    context: &Context,
    id: SessionId,
    open: &SessionOpen,
) -> Result<Arc<Connector>, Failure> {
    let kind = open.connection_type.parse().map_err(|_| {
        let message = "this version of the agent does not know the type of this connection";
        Failure::new(EndReason::Misconfigured, message)
    })?;
    let secrets = Secrets::open(&context.seal_key, id, &open.sealed_secret)
        .map_err(|error| Failure::new(EndReason::Misconfigured, error.to_string()))?;
    Connector::new(kind, &secrets, &context.tls).map(Arc::new)
}

impl Session {
    /// Everything that happens until the session is over.
    async fn serve(&mut self, stop: Stop) -> Result<Ended, Error> {
        loop {
            let ended = tokio::select! {
                biased;
                event = self.pipe.event() => self.happened(event?).await?,
                done = self.work.done() => self.done(done)?,
                () = stop.revoked.cancelled() => Some(EndReason::AgentRevoked.into()),
                () = stop.shutdown.cancelled() => Some(Ended {
                    reason: EndReason::AgentLost,
                    message: "the agent of this connection was shut down".into(),
                }),
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    async fn happened(&mut self, event: Event) -> Result<Option<Ended>, Error> {
        match event {
            Event::Open { channel, kind } => return self.open(channel, kind),
            Event::Cancel { channel } => {
                if let Some(handle) = self.cancel_handles.get(&channel) {
                    self.work.cancel(channel, handle.clone());
                }
            }
            Event::ReaderEnded { .. } if self.one_channel() => {
                return Ok(Some(EndReason::TargetClosed.into()));
            }
            Event::Finished { channel } | Event::Failed { channel, .. } => {
                self.cancel_handles.remove(&channel);
            }
            Event::ReaderEnded { .. } | Event::Resize { .. } | Event::Notice { .. } => {}
            Event::Exit { .. } => {
                return Err(Error::Violation("the client claims to have run a command"));
            }
            Event::Ready { .. } => {
                return Err(Error::Violation("the client claims to have reached a target"));
            }
            Event::End { reason, message } => {
                if reason == EndReason::ClientClosed {
                    let _ = timeout(SETTLE, self.pipe.settle()).await;
                }
                return Ok(Some(Ended { reason, message }));
            }
        }
        Ok(None)
    }

    fn open(&mut self, channel: u32, kind: Kind) -> Result<Option<Ended>, Error> {
        match &self.connector {
            Ok(connector) => {
                self.work.reach(channel, Arc::clone(connector), kind);
                Ok(None)
            }
            Err(failure) => {
                self.tell(failure);
                self.pipe.fail(channel, failure.reason, &failure.message)?;
                Ok(Some(Ended { reason: failure.reason, message: failure.message.clone() }))
            }
        }
    }

    fn done(&mut self, done: Done) -> Result<Option<Ended>, Error> {
        match done {
            Done::Reached { channel, reached } => {
                if let Some(handle) = reached.cancel {
                    self.cancel_handles.insert(channel, handle);
                }
                self.pipe.ready(channel, reached.parameters, reached.reader, reached.writer)?;
            }
            Done::Failed { channel, failure } => {
                self.tell(&failure);
                self.pipe.fail(channel, failure.reason, &failure.message)?;
                if self.one_channel() {
                    return Ok(Some(Ended { reason: failure.reason, message: failure.message }));
                }
            }
        }
        Ok(None)
    }

    /// Says once, in the log, why a target was not reached.
    fn tell(&self, failure: &Failure) {
        let Self { id, connection, .. } = self;
        let cause = failure.cause.as_ref().map(ToString::to_string);
        tracing::warn!(session = %id, %connection, reason = %failure.reason, cause, "{failure}");
    }

    fn one_channel(&self) -> bool {
        self.connector.as_ref().is_ok_and(|connector| connector.one_channel())
    }

    /// Stops what still runs on the targets: a server notices a client that is gone only
    /// when it writes to it, which may be hours later.
    async fn cancel_statements(&mut self) {
        for handle in std::mem::take(&mut self.cancel_handles).into_values() {
            // Best effort: a target that is gone runs nothing.
            let _ = timeout(SETTLE, handle.cancel()).await;
        }
    }

    async fn end(&mut self, ended: Ended) {
        self.pipe.end(ended.reason, &ended.message);
        let _ = timeout(CLOSE, self.pipe.closed()).await;
    }

    /// The session was ended from outside, or its stream broke.
    async fn broken(&mut self, error: Error) {
        let Self { id, connection, .. } = &*self;
        match error {
            Error::Violation(what) => {
                tracing::warn!(session = %id, %connection, what, "protocol violation");
                self.end(EndReason::ProtocolViolation.into()).await;
            }
            Error::Closed { reason, .. } => {
                tracing::info!(session = %id, %connection, %reason, "session ended");
            }
            error => tracing::warn!(session = %id, %connection, %error, "session lost"),
        }
    }
}

impl From<EndReason> for Ended {
    fn from(reason: EndReason) -> Self {
        Self { reason, message: reason.message().into() }
    }
}
