//! The control stream: who the agent is, and the sessions that it is offered.
//!
//! It comes back by itself for as long as the process lives. Sessions do not hang on it:
//! they have streams of their own, and a new edge may offer new ones while the old ones go
//! on.

mod embedded;
mod handed;
mod told;

use std::{sync::Arc, time::Duration};

use hoop_client::{
    Error, GatewayUrl, Incoming, KeepAlive, dial,
    stream::{self, Sender},
};
use hoop_domain::{AgentName, DenialCode, EndReason};
use hoop_proto::v1::{OpenRefused, SessionOpen, down, up};
use hoop_runtime::{Drain, backoff::Backoff, process};
use tokio::time::{Instant, timeout};
use tonic::transport::Channel;

use crate::{
    host,
    key::Mode,
    metrics,
    sessions::{Context, Sessions},
};
pub(crate) use embedded::Pace;
use told::Told;

/// Thousands of agents that lost one edge come back spread over these.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// A key that is not valid will hardly become so: asking often helps nobody.
const RETRY_REFUSED: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60));

/// A stream that lived this long was a success.
const HEALTHY: Duration = Duration::from_secs(60);

/// How long live sessions may go on after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

/// How long the edge may take to notice that no more sessions are wanted.
const LAST_OFFERS: Duration = Duration::from_secs(1);

/// The agent: made by [`Config::build`](crate::Config::build), runs until it is drained.
#[derive(Debug)]
pub struct Agent {
    gateway: GatewayUrl,
    name: AgentName,
    mode: Mode,
    context: Arc<Context>,
    pub(crate) pace: Pace,
    ready: bool,
}

impl Agent {
    pub(crate) fn new(gateway: GatewayUrl, name: AgentName, mode: Mode, context: Context) -> Self {
        let context = Arc::new(context);
        Self { gateway, name, mode, context, pace: Pace::STANDARD, ready: false }
    }

    /// Serves sessions until the drain begins and those that live have ended.
    pub async fn run(mut self, drain: Drain) {
        tracing::info!(agent = %self.name, mode = self.mode.as_str(), gateway = %self.gateway, "starting");
        metrics::show();
        let context = Arc::clone(&self.context);
        // In the background: what others left is no reason to keep anybody waiting.
        tokio::task::spawn_blocking(move || context.shared.surroundings.private_files.sweep());
        let mut sessions = Sessions::new(Arc::clone(&self.context));
        let mut told = Told::default();
        let mut retry = Backoff::new(RETRY.0, RETRY.1);
        let mut retry_refused = Backoff::new(RETRY_REFUSED.0, RETRY_REFUSED.1);
        while !drain.has_begun() {
            let began_at = Instant::now();
            let ended = self.serve(&mut sessions, &mut told, &drain).await;
            metrics::connected(false);
            // An embedded agent that nobody needed any more asks again until it is wanted.
            let Err(error) = ended else { continue };
            if HEALTHY <= began_at.elapsed() {
                retry.reset();
            }
            if revoked(&error) {
                sessions.cut();
            }
            told.lost(&error);
            let delay =
                if invalid_key(&error) { retry_refused.next_delay() } else { retry.next_delay() };
            let _ = timeout(delay, drain.begun()).await;
        }
        sessions.finish(GRACE).await;
        tracing::info!("stopped");
    }

    /// One control stream, from dialing to its end. `Ok` when that is the drain's doing, or
    /// an embedded agent had nothing to do any more.
    async fn serve(
        &mut self,
        sessions: &mut Sessions,
        told: &mut Told,
        drain: &Drain,
    ) -> Result<(), Error> {
        let (channel, sender, mut incoming) = tokio::select! {
            biased;
            () = drain.begun() => return Ok(()),
            connected = self.connect() => connected?,
        };
        told.connected(&self.gateway);
        metrics::connected(true);
        self.say_ready();
        loop {
            tokio::select! {
                biased;
                () = drain.begun() => break,
                frame = incoming.recv() => offer(sessions, &channel, &sender, frame?)?,
                () = self.out_of_work(sessions) => {
                    tracing::info!("nothing to do any more; waiting until this agent is wanted");
                    break;
                }
            }
        }
        // What is offered before the edge knows is still taken up, and has the grace time.
        sender.finish();
        let last = async {
            while let Ok(frame) = incoming.recv().await {
                let _ = offer(sessions, &channel, &sender, frame);
            }
        };
        let _ = timeout(LAST_OFFERS, last).await;
        Ok(())
    }

    /// Says once that the agent can be used: it is connected, or would be when wanted.
    fn say_ready(&mut self) {
        if !std::mem::replace(&mut self.ready, true) {
            let gateway = ("gateway", self.gateway.to_string());
            process::ready("hoop-agent", &[("agent", self.name.to_string()), gateway]);
        }
    }

    async fn connect(&mut self) -> Result<(Channel, Sender, Incoming), Error> {
        let channel = dial(&self.gateway, None).await?;
        if self.mode == Mode::Embedded {
            self.until_wanted(&channel).await?;
        }
        let hello = up::Frame::AgentHello(host::hello());
        let credentials = &self.context.credentials;
        let (sender, mut incoming) =
            stream::open(channel.clone(), credentials, hello, KeepAlive::STANDARD).await?;
        match incoming.recv().await? {
            down::Frame::AgentWelcome(welcome) => {
                handed::begin(welcome.telemetry);
                Ok((channel, sender, incoming))
            }
            _ => Err(Error::Violation("the gateway did not welcome the agent")),
        }
    }
}

fn offer(
    sessions: &mut Sessions,
    channel: &Channel,
    sender: &Sender,
    frame: down::Frame,
) -> Result<(), Error> {
    let down::Frame::SessionOpen(open) = frame else {
        return Err(Error::Violation("a frame came that has no place on a control stream"));
    };
    let SessionOpen { session, .. } = &open;
    let session = session.clone();
    if sessions.begin(channel.clone(), open) {
        return Ok(());
    }
    tracing::warn!("an offer of the gateway has no session id");
    let (code, message) = (DenialCode::Malformed, "the offer of a session has no session id");
    let refused = OpenRefused { session, code: code.as_str().into(), message: message.into() };
    sender.send(up::Frame::OpenRefused(refused))
}

/// The key was valid until now: what it gave has to end.
const fn revoked(error: &Error) -> bool {
    matches!(
        error,
        Error::Closed { reason: EndReason::AgentRevoked, .. }
            | Error::Refused { code: Some(DenialCode::AgentUnknown), .. }
    )
}

const fn invalid_key(error: &Error) -> bool {
    revoked(error)
        || matches!(error, Error::Refused { code: Some(DenialCode::Unauthenticated), .. })
}
