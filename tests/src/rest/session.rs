//! Sessions and their recordings.

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{Rest, text};

/// One recorded packet, as the API shows it.
#[derive(Debug, Clone)]
pub struct Packet(pub Value);

/// The packets of one session, in the order of the recording.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// From the user to the target.
    pub input: Vec<Packet>,
    /// From the target to the user.
    pub output: Vec<Packet>,
}

impl Packet {
    /// Its number.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.0.get("seq").and_then(Value::as_u64).unwrap_or_default()
    }

    /// What kind of step it is, such as `data` or `session_end`.
    #[must_use]
    pub fn kind(&self) -> &str {
        text(&self.0, "kind")
    }

    /// The bytes of a `data` packet; none for any other.
    ///
    /// # Errors
    /// When they are not base64.
    pub fn data(&self) -> Result<Vec<u8>> {
        Ok(STANDARD.decode(text(&self.0, "data"))?)
    }
}

impl Recording {
    /// What the target sent, put together.
    ///
    /// # Errors
    /// When a packet can't be read.
    pub fn output_bytes(&self) -> Result<Vec<u8>> {
        concatenated(&self.output)
    }

    /// What the user sent, put together.
    ///
    /// # Errors
    /// When a packet can't be read.
    pub fn input_bytes(&self) -> Result<Vec<u8>> {
        concatenated(&self.input)
    }

    /// Fails unless both directions are numbered from 1 without a gap.
    ///
    /// # Errors
    /// Naming the first number that is wrong.
    pub fn is_complete(&self) -> Result<()> {
        for (name, packets) in [("in", &self.input), ("out", &self.output)] {
            for (packet, expected) in packets.iter().zip(1..) {
                ensure!(packet.seq() == expected, "{name} #{expected} is #{}", packet.seq());
            }
        }
        Ok(())
    }
}

fn concatenated(packets: &[Packet]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for packet in packets {
        bytes.extend(packet.data()?);
    }
    Ok(bytes)
}

impl Rest {
    /// The sessions that `filter` (a query such as `connection=pg`) finds, newest first.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn sessions(&self, filter: &str) -> Result<Vec<Value>> {
        let answer = self.get(&format!("/api/sessions?{filter}")).await?;
        let list = answer.get("data").and_then(Value::as_array).context("the answer is no list")?;
        Ok(list.clone())
    }

    /// The only session of the connection.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub async fn only_session(&self, connection: &str) -> Result<Value> {
        let mut sessions = self.sessions(&format!("connection={connection}")).await?;
        ensure!(sessions.len() == 1, "{} sessions of {connection}, not 1", sessions.len());
        sessions.pop().context("no session")
    }

    /// The session as the API shows it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn session(&self, id: &str) -> Result<Value> {
        self.get(&format!("/api/sessions/{id}")).await
    }

    /// Waits until the session is over and its recording is finished.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn session_done(&self, id: &str) -> Result<Value> {
        hoop_testkit::eventually("the session to be done", async || self.done(id).await).await
    }

    /// The same for a session that its edge can't end: that takes more than a minute.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn session_given_up(&self, id: &str) -> Result<Value> {
        let done = async || self.done(id).await;
        hoop_testkit::eventually_after(4, "the session to be given up", done).await
    }

    async fn done(&self, id: &str) -> Result<Value> {
        let session = self.session(id).await?;
        ensure!(text(&session, "status") == "done", "it is {session}");
        ensure!(text(&session, "recording") == "finished", "its recording is {session}");
        Ok(session)
    }

    /// All packets of a session, page by page.
    ///
    /// # Errors
    /// When a page can't be read.
    pub async fn recording(&self, id: &str) -> Result<Recording> {
        let mut recording = Recording::default();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/api/sessions/{id}/packets?limit=1000{cursor}")).await?;
            for packet in page.get("data").and_then(Value::as_array).context("no packets")? {
                let out = text(packet, "direction") == "out";
                let packets = if out { &mut recording.output } else { &mut recording.input };
                packets.push(Packet(packet.clone()));
            }
            match text(&page, "next_cursor") {
                "" => break,
                next => cursor = format!("&cursor={next}"),
            }
        }
        Ok(recording)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn session_kill(&self, id: &str) -> Result<()> {
        self.post(&format!("/api/sessions/{id}/kill"), Value::Null).await.map(|_| ())
    }
}
