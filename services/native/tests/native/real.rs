//! A gateway in front of a real PostgreSQL, and a transcript of all that passes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::{Bytes, BytesMut};
use hoop_domain::EndReason;
use hoop_native::{
    Denied, Ended, FromTarget, Gateway, OpenRequest, SessionRx, SessionTx, ToTarget,
};
use hoop_wire::postgres::{
    login::{LoggedIn, Login, Settings, Step},
    scram::Verifier,
    transcript::{Exchange, Sender, Transcript},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::oneshot,
};

use crate::gateway::verifier;

/// Opens sessions to one server, by the name of the database.
#[derive(Clone)]
pub(crate) struct Real {
    port: u16,
    transcripts: Arc<Mutex<Vec<Recording>>>,
}

pub(crate) type Recording = Arc<Mutex<Transcript>>;

impl Real {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, transcripts: Arc::default() }
    }

    /// What was asked in all sessions so far.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        let mut all = Vec::new();
        for recording in std::mem::take(&mut *self.transcripts.lock().unwrap()) {
            let mut transcript = locked(&recording);
            assert!(!transcript.lost());
            all.extend(std::iter::from_fn(|| transcript.next_exchange()));
            all.extend(std::mem::take(&mut *transcript).finish());
        }
        all
    }
}

fn locked(recording: &Recording) -> MutexGuard<'_, Transcript> {
    recording.lock().unwrap()
}

type Opened = (OwnedReadHalf, LoggedIn);

pub(crate) struct Tx {
    database: String,
    port: u16,
    recording: Recording,
    writer: Option<OwnedWriteHalf>,
    opened: Option<oneshot::Sender<Opened>>,
}

pub(crate) struct Rx {
    recording: Recording,
    opened: oneshot::Receiver<Opened>,
    reader: Option<OwnedReadHalf>,
    buffer: BytesMut,
}

impl SessionTx for Tx {
    async fn send(&mut self, item: ToTarget) -> Result<(), Ended> {
        match item {
            ToTarget::Open { parameters } => {
                let (reader, writer, done) = log_in(self.port, &self.database, parameters).await;
                self.writer = Some(writer);
                let opened = self.opened.take().expect("opened once");
                opened.send((reader, done)).map_err(|_| Ended)
            }
            ToTarget::Data(data) => {
                locked(&self.recording).feed(Sender::Client, 0, &data);
                let writer = self.writer.as_mut().ok_or(Ended)?;
                writer.write_all(&data).await.map_err(|_| Ended)
            }
            ToTarget::Close => {
                self.writer = None;
                Ok(())
            }
        }
    }
}

impl SessionRx for Rx {
    async fn recv(&mut self) -> FromTarget {
        let over = FromTarget::Ended { reason: EndReason::TargetClosed, message: String::new() };
        let Some(reader) = &mut self.reader else {
            let Ok((reader, done)) = (&mut self.opened).await else { return over };
            self.reader = Some(reader);
            return FromTarget::Ready { parameters: done.parameters };
        };
        self.buffer.reserve(64 * 1024);
        match reader.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => over,
            Ok(_) => {
                let data: Bytes = self.buffer.split().freeze();
                locked(&self.recording).feed(Sender::Server, 0, &data);
                FromTarget::Data(data)
            }
        }
    }
}

impl Gateway for Real {
    type Tx = Tx;
    type Rx = Rx;

    async fn verifier(&self, _: &str) -> Result<Verifier, Denied> {
        Ok(verifier())
    }

    async fn refused(&self, _: &str, _: &str, _: SocketAddr) {}

    async fn open(&self, request: OpenRequest) -> Result<(Tx, Rx), Denied> {
        let recording = Recording::default();
        self.transcripts.lock().unwrap().push(Arc::clone(&recording));
        let (sender, opened) = oneshot::channel();
        let tx = Tx {
            database: request.database,
            port: self.port,
            recording: Arc::clone(&recording),
            writer: None,
            opened: Some(sender),
        };
        Ok((tx, Rx { recording, opened, reader: None, buffer: BytesMut::new() }))
    }

    async fn cancel(&self, _: Vec<u8>) {}
}

async fn log_in(
    port: u16,
    database: &str,
    parameters: Vec<(String, String)>,
) -> (OwnedReadHalf, OwnedWriteHalf, LoggedIn) {
    let (mut reader, mut writer) =
        TcpStream::connect(("127.0.0.1", port)).await.unwrap().into_split();
    let (mut login, first) = Login::start(Settings {
        user: "postgres".to_owned(),
        password: String::new().into(),
        database: database.to_owned(),
        parameters,
        certificate: None,
    });
    writer.write_all(&first).await.unwrap();
    let mut buffer = vec![0; 4096];
    loop {
        let length = reader.read(&mut buffer).await.unwrap();
        match login.feed(&buffer[..length]).unwrap() {
            Step::Continue { send } => writer.write_all(&send).await.unwrap(),
            Step::Done(done) => return (reader, writer, done),
        }
    }
}
