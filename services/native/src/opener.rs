//! What the listener needs from the gateway around it.
//!
//! The listener knows PostgreSQL and nothing of sessions, brokers or decisions; whoever
//! mounts it implements [`Gateway`]. The edge does that in process.
//!
//! The life of one connection, seen from here:
//!
//! ```text
//! verifier(username) ─▶ SCRAM ─▶ open(request) ─▶ send(Open) ─▶ recv() = Ready
//!                                                 send(Data)* ║ recv() = Data*
//!                                                 send(Close) ║ recv() = Ended
//! ```
//!
//! After a wrong password there is `refused(…)` instead of `open(request)`, and no session.
//!
//! Dropping the two halves ends the session as `client_closed`.

use std::{future::Future, net::SocketAddr};

use bytes::Bytes;
use hoop_domain::{DenialCode, EndReason};
use hoop_wire::postgres::scram::Verifier;

use crate::login::Authenticated;

/// The gateway, as far as a native listener needs it.
pub trait Gateway: Clone + Send + Sync + 'static {
    /// The half that carries bytes to the target.
    type Tx: SessionTx;
    /// The half that carries bytes from the target.
    type Rx: SessionRx;

    /// The verifier of a credential's password.
    ///
    /// A user that does not exist has one, too: made up, always the same, and of no
    /// password. So nobody on this side can tell, and the client even less. An expired
    /// credential still has its own: whether it may be used is for [`Self::open`] to say,
    /// and only to somebody who knew the password.
    fn verifier(&self, username: &str) -> impl Future<Output = Result<Verifier, Denied>> + Send;

    /// Somebody at this address gave a wrong password for a user that may not exist, and would
    /// have opened this database.
    ///
    /// The client's answer does not wait for it, and nothing depends on it.
    fn refused(
        &self,
        username: &str,
        database: &str,
        address: SocketAddr,
    ) -> impl Future<Output = ()> + Send;

    /// Decides, and begins the session.
    fn open(
        &self,
        request: OpenRequest,
    ) -> impl Future<Output = Result<(Self::Tx, Self::Rx), Denied>> + Send;

    /// A cancel request arrived with this key; its session may be on another edge.
    ///
    /// Nobody is told whether there was such a session.
    fn cancel(&self, key: Vec<u8>) -> impl Future<Output = ()> + Send;
}

/// A client that has proved who it is asks for a session.
#[derive(Debug)]
pub struct OpenRequest {
    /// Proof that the client knows the credential's password, with the credential's name.
    pub proof: Authenticated,
    /// The database that the client named: the connection's name, not checked yet.
    pub database: String,
    /// Where the client called from.
    pub client_address: SocketAddr,
    /// What the client calls itself (`application_name`); may be empty.
    pub application: String,
    /// What a cancel request for this session will carry: process id and secret.
    /// To be remembered as long as the session lives, and no longer.
    pub cancel_key: Vec<u8>,
}

impl OpenRequest {
    /// The credential that was proved.
    #[must_use]
    pub fn username(&self) -> &str {
        self.proof.username()
    }
}

/// A refusal: what to tell the client. The cause is the gateway's to log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// Why, for programs.
    pub code: DenialCode,
    /// Why, for the person.
    pub message: String,
}

impl Denied {
    /// A refusal with the sentence that belongs to its code.
    #[must_use]
    pub fn new(code: DenialCode) -> Self {
        Self { code, message: code.message().to_owned() }
    }
}

/// The session takes nothing more; [`SessionRx::recv`] says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct Ended;

/// Towards the target.
pub trait SessionTx: Send {
    /// Sends one item; waits for credit when it is data.
    ///
    /// Need not be cancel safe: the listener drops the session when it drops this future.
    ///
    /// # Errors
    /// When the session has ended.
    fn send(&mut self, item: ToTarget) -> impl Future<Output = Result<(), Ended>> + Send;

    /// Waits until the gateway has ended the session, even while data still waits to be
    /// received. A client that reads nothing is cut by this. Must be cancel safe.
    fn ended(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// From the target.
pub trait SessionRx: Send {
    /// The next item. Asking for it says that the one before is with the client, so it
    /// may grant the target credit for it.
    ///
    /// Must be cancel safe. Is not called again after [`FromTarget::Failed`] or
    /// [`FromTarget::Ended`].
    fn recv(&mut self) -> impl Future<Output = FromTarget> + Send;
}

/// What the listener sends into a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToTarget {
    /// Log in to the target with these start-up parameters. Always the first.
    Open {
        /// As the client gave them, less `user`, `database` and what only we handle.
        parameters: Vec<(String, String)>,
    },
    /// Bytes of the client as they came.
    Data(Bytes),
    /// The client hung up. Always the last.
    Close,
}

/// What the listener gets out of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromTarget {
    /// The target is logged in to and waits for a query.
    Ready {
        /// The `ParameterStatus` values that the target announced.
        parameters: Vec<(String, String)>,
    },
    /// Bytes of the target as they came.
    Data(Bytes),
    /// A sentence for the person, such as that the session will end soon. The client gets
    /// it where a message may begin; the session goes on.
    Notice(String),
    /// The target could not be reached or refused; the session is over.
    Failed {
        /// Why, for programs.
        reason: EndReason,
        /// Why, for the person.
        message: String,
    },
    /// The session is over.
    Ended {
        /// Why, for programs.
        reason: EndReason,
        /// Why, for the person.
        message: String,
    },
}
