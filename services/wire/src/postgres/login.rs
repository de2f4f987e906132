//! Logging in to a server as a client, without a socket: bytes in, bytes out.
//!
//! ```text
//! Login::start ─▶ send ─▶ feed(received)* ─▶ Continue { send } | Done(LoggedIn)
//! ```
//!
//! Does SCRAM with and without channel binding, MD5, cleartext and trust. TLS is the
//! caller's: it happens before the first byte of this.

use bytes::{Bytes, BytesMut};
use zeroize::Zeroizing;

use super::{
    auth::{self, Request},
    backend,
    error::Report,
    frame::{self, Message},
    scram::{
        self, Mechanism,
        client::{Binding, Client, Proven},
    },
    startup::{self, CancelKey, Version},
};

/// The longest message before the first query. Parameters and errors are far shorter.
const LARGEST: u32 = 64 * 1024;

/// All that a server may say before the first query.
const MOST: usize = 1024 * 1024;

/// As whom, and where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The role.
    pub user: String,
    /// Its password; empty when there is none.
    pub password: Zeroizing<String>,
    /// The database.
    pub database: String,
    /// Start-up parameters beside those two.
    pub parameters: Vec<(String, String)>,
    /// Hash of the server's certificate (`tls-server-end-point`), when under TLS.
    pub certificate: Option<Vec<u8>>,
}

/// A login under way.
#[derive(Debug)]
pub struct Login {
    settings: Settings,
    state: State,
    buffer: BytesMut,
    received: usize,
    parameters: Vec<(String, String)>,
    key: Option<CancelKey>,
}

/// How far it is.
#[derive(Debug)]
enum State {
    /// The start-up message is out.
    Asked,
    /// The password, or a hash of it, is out.
    Answered,
    /// SCRAM has begun.
    Scram(Client),
    /// The server has to prove itself.
    Proving(Proven),
    /// The server did.
    Proved,
    /// We are in; the server introduces itself.
    Welcome,
    /// Done, or failed.
    Over,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Send this if there is any of it, then feed what comes back.
    Continue {
        /// Bytes for the server.
        send: Vec<u8>,
    },
    /// The server waits for a query.
    Done(LoggedIn),
}

/// A login that succeeded.
#[derive(Debug)]
pub struct LoggedIn {
    /// What the server announced.
    pub parameters: Vec<(String, String)>,
    /// What cancels a query here, if the server can do that.
    pub key: Option<CancelKey>,
    /// What the server said after it was ready.
    pub leftover: Bytes,
}

/// Why a login failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server said no.
    #[error("the server refused the login: {} (SQLSTATE {})", .0.message, .0.sqlstate)]
    Refused(Box<Report>),
    /// The server wants a password and there is none.
    #[error("the server asks for a password, but none is set")]
    NoPassword,
    /// Kerberos, SSPI, OAuth or something newer.
    #[error("the server asks for an authentication method that is not supported ({0})")]
    UnknownMethod(String),
    /// SCRAM failed.
    #[error("SCRAM authentication failed: {0}")]
    Scram(#[from] scram::Error),
    /// The server let us in without proof that it knows the password.
    #[error("the server broke off the SCRAM exchange before it proved itself")]
    NotProven,
    /// This is not a PostgreSQL server.
    #[error("what the server says is not the PostgreSQL protocol: {0}")]
    Frame(#[from] frame::Error),
    /// A message that has no place here.
    #[error("the server sent an unexpected message of type {} during the login", .0.escape_ascii())]
    Unexpected(u8),
    /// A message that is cut short.
    #[error("the server sent a malformed message of type {} during the login", .0.escape_ascii())]
    Malformed(u8),
    /// It talks and talks.
    #[error("the server sent more than {MOST} bytes during the login")]
    TooMuch,
}

impl Login {
    /// Begins; returns the bytes to send.
    #[must_use]
    pub fn start(settings: Settings) -> (Self, Vec<u8>) {
        let named = [("user", settings.user.as_str()), ("database", settings.database.as_str())];
        let others =
            settings.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let first = startup::startup_message(Version::V3_0, named.into_iter().chain(others));
        let login = Self {
            settings,
            state: State::Asked,
            buffer: BytesMut::new(),
            received: 0,
            parameters: Vec::new(),
            key: None,
        };
        (login, first)
    }

    /// Takes what the server sent.
    ///
    /// # Errors
    /// When the login failed. Nothing may be fed after that, or after [`Step::Done`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Step, Error> {
        self.received = self.received.saturating_add(bytes.len());
        self.buffer.extend_from_slice(bytes);
        let mut send = Vec::new();
        while let Some(message) = frame::split(&mut self.buffer, LARGEST)? {
            if self.take(&message, &mut send)? {
                return Ok(Step::Done(LoggedIn {
                    parameters: std::mem::take(&mut self.parameters),
                    key: self.key.take(),
                    leftover: std::mem::take(&mut self.buffer).freeze(),
                }));
            }
        }
        // Judged here, so that a result which came along with `ReadyForQuery` doesn't count.
        if MOST < self.received {
            return Err(Error::TooMuch);
        }
        Ok(Step::Continue { send })
    }

    /// Takes one message; whether it was the last.
    fn take(&mut self, message: &Message, send: &mut Vec<u8>) -> Result<bool, Error> {
        let state = std::mem::replace(&mut self.state, State::Over);
        let malformed = Error::Malformed(message.tag);
        self.state = match (message.tag, state) {
            (b'E', _) => return Err(Error::Refused(Box::new(Report::decode(&message.body)))),
            (b'N', state) => state,
            (b'R', state) => {
                let request = Request::decode(&message.body).ok_or(malformed)?;
                self.authenticate(state, request, send)?
            }
            (b'S', State::Welcome) => {
                let parameter = backend::decode_parameter_status(&message.body).ok_or(malformed)?;
                self.parameters.push(parameter);
                State::Welcome
            }
            (b'K', State::Welcome) => {
                self.key = Some(backend::decode_backend_key_data(&message.body).ok_or(malformed)?);
                State::Welcome
            }
            (b'Z', State::Welcome) => return Ok(true),
            (tag, _) => return Err(Error::Unexpected(tag)),
        };
        Ok(false)
    }

    fn authenticate(
        &self,
        state: State,
        request: Request,
        send: &mut Vec<u8>,
    ) -> Result<State, Error> {
        match (state, request) {
            (State::Asked | State::Answered | State::Proved, Request::Ok) => Ok(State::Welcome),
            (State::Scram(_) | State::Proving(_), Request::Ok) => Err(Error::NotProven),
            (State::Asked, Request::Cleartext) => {
                send.extend(auth::password_message(self.password()?));
                Ok(State::Answered)
            }
            (State::Asked, Request::Md5(salt)) => {
                let hash = auth::md5_response(&self.settings.user, self.password()?, salt);
                send.extend(auth::password_message(&hash));
                Ok(State::Answered)
            }
            (State::Asked, Request::Sasl(offered)) => self.begin_scram(&offered, send),
            (State::Scram(client), Request::SaslContinue(data)) => {
                let (proven, answer) = client.answer(&data, self.password()?)?;
                send.extend(auth::sasl_response(&answer));
                Ok(State::Proving(proven))
            }
            (State::Proving(proven), Request::SaslFinal(data)) => {
                proven.finish(&data)?;
                Ok(State::Proved)
            }
            (State::Asked, Request::Other(code)) => {
                Err(Error::UnknownMethod(format!("code {code}")))
            }
            _ => Err(Error::Unexpected(b'R')),
        }
    }

    fn begin_scram(&self, offered: &[String], send: &mut Vec<u8>) -> Result<State, Error> {
        self.password()?;
        let offers = |wanted: Mechanism| offered.iter().any(|name| name == wanted.as_str());
        let binding = match &self.settings.certificate {
            Some(hash) if offers(Mechanism::Sha256Plus) => Binding::EndPoint(hash.clone()),
            Some(_) => Binding::NotOffered,
            None => Binding::None,
        };
        let mechanism = binding.mechanism();
        if !offers(mechanism) {
            return Err(Error::UnknownMethod(offered.join(", ")));
        }
        let (client, first) = Client::start(binding)?;
        send.extend(auth::sasl_initial_response(mechanism.as_str(), &first));
        Ok(State::Scram(client))
    }

    fn password(&self) -> Result<&str, Error> {
        match self.settings.password.as_str() {
            "" => Err(Error::NoPassword),
            password => Ok(password),
        }
    }
}

#[cfg(test)]
mod tests;
