//! An embedded agent: it comes when a client waits for it, and goes when nobody needs it.
//!
//! It runs beside an application, often in many copies, and holds no stream while there is
//! nothing to do. The edge knows for which agents clients wait, and says so when it is asked.
//! Where a proxy does not pass that question on, it stays, like a standard one.

use hoop_client::{Error, stream};
use tokio::time::{Duration, sleep};
use tonic::transport::Channel;

use super::{Agent, Backoff};
use crate::{key::Mode, sessions::Sessions};

/// How often an embedded agent asks, and how long it stays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The least and the most time between two questions. A client waits longer than that,
    /// and a thousand agents do not ask at once.
    pub(crate) ask: (Duration, Duration),
    /// How long it stays without a session.
    pub(crate) idle: Duration,
}

impl Pace {
    pub(crate) const STANDARD: Self = Self {
        ask: (Duration::from_secs(2), Duration::from_secs(4)),
        idle: Duration::from_secs(60),
    };
}

impl Agent {
    /// Asks until a client waits for this agent.
    pub(super) async fn until_wanted(&mut self, channel: &Channel) -> Result<(), Error> {
        let mut pace = Backoff::new(self.pace.ask.0, self.pace.ask.1);
        loop {
            let credentials = &self.context.credentials;
            let wanted = match stream::wanted(channel.clone(), credentials).await {
                Err(error) if error.leads_elsewhere() => {
                    tracing::warn!(
                        "a proxy does not pass /protobuf.Transport/PreConnect on to the gateway, \
                         so this agent stays connected; pass /protobuf.Transport/ on"
                    );
                    self.mode = Mode::Standard;
                    true
                }
                answer => answer?,
            };
            self.say_ready();
            if wanted {
                return Ok(());
            }
            sleep(pace.next_delay()).await;
        }
    }

    /// Returns when an embedded agent may leave; a standard one never.
    pub(super) async fn out_of_work(&self, sessions: &mut Sessions) {
        match self.mode {
            Mode::Standard => std::future::pending().await,
            Mode::Embedded => {
                sessions.all_ended().await;
                sleep(self.pace.idle).await;
            }
        }
    }
}
