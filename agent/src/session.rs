//! One session at the agent's end: channels open, relay and close until it is over.

mod command;
mod purpose;
mod work;

use std::{collections::HashMap, sync::Arc, time::Duration};

use hoop_client::{Error, Event, Pipe, session};
use hoop_domain::{EndReason, SessionId};
use hoop_proto::v1::{SessionOpen, channel_open::Kind};
use hoop_runtime::{span, trace};
use tokio::time::timeout;
use tonic::transport::Channel;
use tracing::{Instrument, field::Empty};

use crate::{
    connector::{CancelHandle, Connector, Failure, Opened},
    metrics, providers,
    secrets::Secrets,
    sessions::{Context, Stop},
};
use command::Commands;
use work::{Done, Work};

/// How long the target may take to read the client's last words.
const SETTLE: Duration = Duration::from_secs(5);

/// How long a command may take to end: SIGTERM, its grace time and SIGKILL.
const END_COMMANDS: Duration = Duration::from_secs(7);

/// How long the edge may take to close a stream that has ended.
const CLOSE: Duration = Duration::from_secs(2);

/// A live session.
struct Session {
    id: SessionId,
    connection: String,
    /// What it was allowed for: `connect` or `exec`.
    verb: String,
    pipe: Pipe,
    connector: Result<Arc<Connector>, Failure>,
    work: Work,
    cancel_handles: HashMap<u32, CancelHandle>,
    commands: Commands,
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
    let span = span!("agent session", session = %id);
    trace::follow(&span, &open.traceparent);
    run_traced(context, channel, id, open, stop).instrument(span).await;
}

async fn run_traced(
    context: Arc<Context>,
    channel: Channel,
    id: SessionId,
    open: SessionOpen,
    stop: Stop,
) {
    // First, because it begins to dial the target, or asks for what it needs for that.
    let connector = Box::pin(connector(&context, id, &open));
    let attached = session::attach(channel, &context.credentials, id, open.token.clone());
    let (connector, attached) = tokio::join!(connector, attached);
    let (connection, verb) = (open.connection_name, open.verb);
    let pipe = match attached {
        Ok(pipe) => pipe,
        Err(error) => {
            tracing::warn!(session = %id, %connection, %error, "session not taken up");
            return;
        }
    };
    drop(context);
    let _counted = metrics::Live::begin();
    let mut session = Session {
        id,
        connection,
        verb,
        pipe,
        connector,
        work: Work::of(id),
        cancel_handles: HashMap::new(),
        commands: Commands::default(),
    };
    match session.serve(stop).await {
        Ok(ended) => {
            metrics::ended(ended.reason);
            let Session { id, connection, .. } = &session;
            tracing::info!(session = %id, %connection, reason = %ended.reason, "session ended");
            session.end(ended).await;
        }
        Err(error) => session.broken(error).await,
    }
    session.cancel_statements().await;
    session.end_commands().await;
}

async fn connector(
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
    let secrets = providers::resolve(&context.providers, secrets).await.map_err(|unresolved| {
        let failure = Failure::misconfigured(format_args!("{unresolved}"));
        match causes(&unresolved) {
            causes if causes.is_empty() => failure,
            causes => failure.because(causes),
        }
    })?;
    Connector::new(kind, &secrets, id, open, &context.shared).map(Arc::new)
}

/// What is behind an error and not in its own sentence.
fn causes(error: &providers::Unresolved) -> String {
    let causes = std::iter::successors(error.cause(), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
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
                self.commands.interrupt(channel);
            }
            Event::Resize { channel, columns, rows } => {
                self.commands.resize(channel, columns, rows);
            }
            Event::ReaderEnded { .. } if self.one_channel() => {
                return Ok(Some(self.target_closed()));
            }
            Event::Finished { channel } | Event::Failed { channel, .. } => {
                self.cancel_handles.remove(&channel);
                self.commands.stop(channel);
            }
            Event::Resumed { away } => {
                let (id, milliseconds) = (self.id, away.as_millis());
                tracing::info!(session = %id, milliseconds, "the session goes on at another stream");
            }
            Event::ReaderEnded { .. } | Event::Notice { .. } => {}
            Event::Exit { .. } => {
                return Err(Error::Violation("the client claims to have run a command"));
            }
            Event::Ready { .. } => {
                return Err(Error::Violation("the client claims to have reached a target"));
            }
            Event::End { reason, message } => {
                // A command whose client has gone has nobody to work for.
                if reason == EndReason::ClientClosed && self.commands.is_empty() {
                    let _ = timeout(SETTLE, self.pipe.settle()).await;
                }
                return Ok(Some(Ended { reason, message }));
            }
        }
        Ok(None)
    }

    fn open(&mut self, channel: u32, kind: Kind) -> Result<Option<Ended>, Error> {
        match &self.connector {
            Ok(connector) if !purpose::allows(&self.verb, connector, &kind) => {
                let message = "this session was not opened for that";
                self.pipe.fail(channel, EndReason::ProtocolViolation, message)?;
                Ok(None)
            }
            Ok(_) if matches!(kind, Kind::Exec(_)) && !self.commands.begin() => {
                let message = "a session runs one command; open another session for the next";
                self.pipe.fail(channel, EndReason::ProtocolViolation, message)?;
                Ok(None)
            }
            Ok(connector) => {
                let span = span!("reach target", session = %self.id, reason = Empty);
                self.work.reach(channel, Arc::clone(connector), kind, span);
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
            Done::Opened { channel, opened: Opened::Command(mut started) } => {
                let stop = self.commands.started(channel, &mut started);
                let (work, pipe) = (&mut self.work, &mut self.pipe);
                work.supervise(channel, started.running, stop);
                if !pipe.ready_command(channel, started.stdin, started.stdout, started.stderr)? {
                    // The client has closed the channel meanwhile.
                    self.commands.stop(channel);
                }
            }
            Done::Exited { channel, exit } => self.pipe.exit(channel, exit.code, exit.signal),
            Done::Opened { channel, opened: Opened::Stream(reached) } => {
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

    /// Whatever the session ended with, the commands end as well.
    async fn end_commands(&mut self) {
        self.commands.stop_all();
        if self.commands.begun() {
            let _ = timeout(END_COMMANDS, self.work.finish()).await;
        }
    }

    fn target_closed(&self) -> Ended {
        let reason = EndReason::TargetClosed;
        let message = if self.commands.begun() { "the command is over" } else { reason.message() };
        Ended { reason, message: message.into() }
    }

    async fn end(&mut self, ended: Ended) {
        self.pipe.end(ended.reason, &ended.message);
        self.pipe.closed(CLOSE).await;
    }

    /// The session was ended from outside, or its stream broke.
    async fn broken(&mut self, error: Error) {
        let Self { id, connection, .. } = &*self;
        match error {
            Error::Violation(what) => {
                metrics::ended(EndReason::ProtocolViolation);
                tracing::warn!(session = %id, %connection, what, "protocol violation");
                self.end(EndReason::ProtocolViolation.into()).await;
            }
            Error::Closed { reason, .. } => {
                metrics::ended(reason);
                tracing::info!(session = %id, %connection, %reason, "session ended");
            }
            error => {
                metrics::ended(EndReason::EdgeLost);
                tracing::warn!(session = %id, %connection, %error, "session lost");
            }
        }
    }
}

impl From<EndReason> for Ended {
    fn from(reason: EndReason) -> Self {
        Self { reason, message: reason.message().into() }
    }
}
