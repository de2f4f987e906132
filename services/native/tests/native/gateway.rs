//! A gateway that does what the names say, and a target that answers a few queries.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use hoop_domain::{DenialCode, EndReason};
use hoop_native::{
    Denied, Ended, FromTarget, Gateway, Listener, OpenRequest, SessionRx, SessionTx, Tls, ToTarget,
};
use hoop_wire::postgres::{
    frame,
    scram::{ITERATIONS, SALT_LEN, Verifier},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "a long random password";

/// Of the one user there is.
pub(crate) fn verifier() -> Verifier {
    Verifier::from_password(PASSWORD, &[3; SALT_LEN], ITERATIONS)
}

/// What the gateway saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) verifiers: Vec<String>,
    /// User names and databases.
    pub(crate) refused: Vec<(String, String)>,
    pub(crate) cancelled: Vec<Vec<u8>>,
    pub(crate) cancel_keys: Vec<Vec<u8>>,
    pub(crate) applications: Vec<String>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) closed: usize,
}

#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) seen: Arc<Mutex<Seen>>,
    changed: Arc<watch::Sender<()>>,
}

impl Script {
    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap());
        self.changed.send_replace(());
    }

    /// Waits until what was seen is as `wanted`.
    pub(crate) async fn until(&self, wanted: impl Fn(&Seen) -> bool) {
        let mut changes = self.changed.subscribe();
        let waiting = async {
            while !wanted(&self.seen.lock().unwrap()) {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("seen in time");
    }
}

pub(crate) struct Tx {
    items: mpsc::Sender<ToTarget>,
    over: watch::Receiver<bool>,
}

pub(crate) struct Rx(mpsc::Receiver<FromTarget>);

impl SessionTx for Tx {
    async fn send(&mut self, item: ToTarget) -> Result<(), Ended> {
        self.items.send(item).await.map_err(|_| Ended)
    }

    async fn ended(&mut self) {
        let _ = self.over.wait_for(|over| *over).await;
    }
}

impl SessionRx for Rx {
    async fn recv(&mut self) -> FromTarget {
        self.0.recv().await.unwrap_or(FromTarget::Ended {
            reason: EndReason::TargetClosed,
            message: String::new(),
        })
    }
}

impl Gateway for Script {
    type Tx = Tx;
    type Rx = Rx;

    async fn verifier(&self, username: &str) -> Result<Verifier, Denied> {
        self.note(|seen| seen.verifiers.push(username.to_owned()));
        let made_up = || Verifier::new(&[4; SALT_LEN], ITERATIONS.get(), &[5; 32], &[6; 32]);
        Ok(if username == USER { verifier() } else { made_up().unwrap() })
    }

    /// Never comes back, so whoever waits for it is found out.
    async fn refused(&self, username: &str, database: &str, _: SocketAddr) {
        let whom = (username.to_owned(), database.to_owned());
        self.note(|seen| seen.refused.push(whom));
        std::future::pending::<()>().await;
    }

    async fn open(&self, request: OpenRequest) -> Result<(Tx, Rx), Denied> {
        assert_eq!(request.username(), USER);
        let database = request.database.clone();
        self.note(|seen| {
            seen.cancel_keys.push(request.cancel_key);
            seen.applications.push(request.application);
        });
        match database.as_str() {
            "expired" => return Err(Denied::new(DenialCode::CredentialExpired)),
            "offline" => return Err(Denied::new(DenialCode::AgentOffline)),
            "pg" | "down" | "slow" => {}
            _ => return Err(Denied::new(DenialCode::ConnectionNotFound)),
        }
        let (items, from_client) = mpsc::channel(4);
        let (to_client, from_target) = mpsc::channel(4);
        let (over, is_over) = watch::channel(false);
        let target =
            Target { script: self.clone(), from_client, to_client, over, buffer: BytesMut::new() };
        tokio::spawn(target.run(database));
        Ok((Tx { items, over: is_over }, Rx(from_target)))
    }

    async fn cancel(&self, key: Vec<u8>) {
        self.note(|seen| seen.cancelled.push(key));
    }
}

/// Answers `select 1` and a few words.
struct Target {
    script: Script,
    from_client: mpsc::Receiver<ToTarget>,
    to_client: mpsc::Sender<FromTarget>,
    over: watch::Sender<bool>,
    buffer: BytesMut,
}

impl Target {
    async fn run(mut self, database: String) {
        while let Some(item) = self.from_client.recv().await {
            match item {
                ToTarget::Open { parameters } => {
                    self.script.note(|seen| seen.parameters = parameters);
                    match database.as_str() {
                        "down" => self.fail(EndReason::TargetUnreachable).await,
                        "slow" => {}
                        _ => self.ready().await,
                    }
                }
                ToTarget::Data(data) => {
                    self.buffer.extend_from_slice(&data);
                    while let Some(message) = frame::split(&mut self.buffer, 1 << 20).unwrap() {
                        if message.tag == b'Q' {
                            self.answer(&message.body).await;
                        }
                    }
                }
                ToTarget::Close => self.end(EndReason::ClientClosed).await,
            }
        }
        self.script.note(|seen| seen.closed += 1);
    }

    async fn answer(&mut self, sql: &[u8]) {
        let row = b"D\0\0\0\x0b\0\x01\0\0\0\x011";
        let description =
            b"T\0\0\0\x1d\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0";
        // The description of one int4 column has no room to be wrong: psql checks it.
        let head = column(description);
        match sql.strip_suffix(&[0]).unwrap_or(sql) {
            b"kill me" => self.end(EndReason::Killed).await,
            b"warn me" => {
                let sentence = "this session ends in 5 minutes".to_owned();
                let _ = self.to_client.send(FromTarget::Notice(sentence)).await;
                self.one(&head, row).await;
            }
            b"warn me in the middle" => {
                self.say(&head).await;
                self.say(&row[..7]).await;
                let sentence = "this session ends in 1 minute".to_owned();
                let _ = self.to_client.send(FromTarget::Notice(sentence)).await;
                self.say(&row[7..]).await;
                self.say(b"C\0\0\0\x0dSELECT 1\0").await;
                self.say(b"Z\0\0\0\x05I").await;
            }
            b"half" => {
                self.say(&row[..7]).await;
                self.end(EndReason::Killed).await;
            }
            b"flood" => {
                self.say(&head).await;
                let rows = Bytes::from(row.repeat(10_000));
                for _ in 0..100 {
                    self.say(&rows).await;
                }
                self.say(b"C\0\0\0\x13SELECT 1000000\0").await;
                self.say(b"Z\0\0\0\x05I").await;
            }
            b"stuck" => {
                // More than any socket takes; the session ends while it waits.
                let rows = Bytes::from(row.repeat(100_000));
                for _ in 0..200 {
                    let sending = self.to_client.send(FromTarget::Data(rows.clone()));
                    if tokio::time::timeout(Duration::from_secs(1), sending).await.is_err() {
                        self.over.send_replace(true);
                        return;
                    }
                }
            }
            _ => self.one(&head, row).await,
        }
    }

    /// One row, and ready for more.
    async fn one(&self, head: &[u8], row: &[u8]) {
        self.say(head).await;
        self.say(row).await;
        self.say(b"C\0\0\0\x0dSELECT 1\0").await;
        self.say(b"Z\0\0\0\x05I").await;
    }

    async fn ready(&self) {
        let parameters = [("server_version", "15.0"), ("client_encoding", "UTF8")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let _ = self.to_client.send(FromTarget::Ready { parameters: parameters.to_vec() }).await;
    }

    async fn say(&self, bytes: &[u8]) {
        let _ = self.to_client.send(FromTarget::Data(Bytes::copy_from_slice(bytes))).await;
    }

    async fn fail(&self, reason: EndReason) {
        let message = "no answer from db:5432".to_owned();
        let _ = self.to_client.send(FromTarget::Failed { reason, message }).await;
    }

    async fn end(&self, reason: EndReason) {
        let message = String::new();
        let _ = self.to_client.send(FromTarget::Ended { reason, message }).await;
    }
}

/// The message again with its length put right.
fn column(description: &[u8]) -> Vec<u8> {
    let mut message = description.to_vec();
    let length = u32::try_from(description.len() - 1).unwrap();
    message[1..5].copy_from_slice(&length.to_be_bytes());
    message
}

/// A listener that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) script: Script,
    drain: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with_room_for(1000).await
    }

    /// With so many places for clients that are not logged in.
    pub(crate) async fn with_room_for(logging_in: usize) -> Self {
        let tls = Tls::self_signed().unwrap();
        let listener = Listener::bind(([127, 0, 0, 1], 0).into(), tls).await.unwrap();
        let listener = listener.with_room_for(logging_in);
        let address = listener.address();
        let script = Script { seen: Arc::default(), changed: Arc::new(watch::channel(()).0) };
        let (drain, mut begun) = watch::channel(false);
        let gateway = script.clone();
        let task = tokio::spawn(async move {
            let drained = async move {
                let _ = begun.wait_for(|begun| *begun).await;
            };
            listener.run(gateway, drained).await;
        });
        Self { address, script, drain, task }
    }

    pub(crate) fn begin_drain(&self) {
        self.drain.send_replace(true);
    }

    pub(crate) async fn drained(self) {
        tokio::time::timeout(Duration::from_secs(20), self.task).await.unwrap().unwrap();
    }
}
