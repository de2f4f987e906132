//! The log-in: `hoop_wire` says what to send, this sends it.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use hoop_domain::EndReason;
use hoop_proto::v1::Parameter;
use hoop_wire::postgres::{
    error::Report,
    login::{Error, Login, Step},
    startup::CancelKey,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{dial::Io, settings::Settings};
use crate::connector::Failure;

/// PostgreSQL itself gives up after 60 s; a busy server may take a while.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// What the server said on the way in.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) parameters: Vec<Parameter>,
    pub(super) key: Option<CancelKey>,
    pub(super) leftover: Bytes,
}

/// Logs in on `io` for a client with these start-up parameters.
pub(super) async fn login(
    settings: &Settings,
    mut io: Io,
    parameters: Vec<Parameter>,
) -> Result<(Io, LoggedIn), Failure> {
    let parameters = parameters.into_iter().map(|found| (found.name, found.value)).collect();
    let login = Login::start(settings.login(parameters, io.certificate_hash()));
    match tokio::time::timeout(LOGIN_TIMEOUT, exchange(login, &mut io)).await {
        Ok(Ok(logged_in)) => Ok((io, logged_in)),
        Ok(Err(Broken::Io(error))) => Err(settings.address.unreachable(&error)),
        Ok(Err(Broken::Login(error))) => Err(explain(error)),
        Err(_) => {
            let message = "the target did not finish the log-in within 30 s";
            Err(Failure::new(EndReason::TargetUnreachable, message))
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the connection broke")]
    Io(#[from] io::Error),
    #[error("the server refused")]
    Login(#[from] Error),
}

async fn exchange(
    (mut login, first): (Login, Vec<u8>),
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<LoggedIn, Broken> {
    io.write_all(&first).await?;
    io.flush().await?;
    let mut received = BytesMut::with_capacity(4096);
    loop {
        received.clear();
        if io.read_buf(&mut received).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        match login.feed(&received)? {
            Step::Continue { send } if send.is_empty() => {}
            Step::Continue { send } => {
                io.write_all(&send).await?;
                io.flush().await?;
            }
            Step::Done(done) => {
                let parameters = done.parameters.into_iter();
                return Ok(LoggedIn {
                    parameters: parameters.map(|(name, value)| Parameter { name, value }).collect(),
                    key: done.key,
                    leftover: done.leftover,
                });
            }
        }
    }
}

/// What the user may read of a refusal: a wrong password is nothing but that, because the
/// server's own words name the role.
fn explain(error: Error) -> Failure {
    let failed = |message: &str| Failure::new(EndReason::TargetLoginFailed, message);
    match error {
        Error::Refused(report) => explain_refusal(&report),
        Error::NoPassword => Failure::misconfigured(format_args!(
            "the target asks for a password, but PASS is not set"
        )),
        Error::UnknownMethod(ref method) => {
            let message = format!(
                "the target asks for an authentication method that is not supported ({method})"
            );
            Failure::new(EndReason::Misconfigured, message)
        }
        Error::Scram(_) | Error::NotProven => {
            failed("the target could not prove that it knows the stored password").because(error)
        }
        Error::Frame(_) | Error::Unexpected(_) | Error::Malformed(_) | Error::TooMuch => {
            Failure::new(EndReason::Misconfigured, "the target is not a PostgreSQL server")
                .because(error)
        }
    }
}

fn explain_refusal(report: &Report) -> Failure {
    let Report { sqlstate, message, .. } = report;
    let cause = format!("{message} (SQLSTATE {sqlstate})");
    let class = sqlstate.get(..2).unwrap_or_default();
    let failure = match class {
        "28" => Failure::new(
            EndReason::TargetLoginFailed,
            format!("the target refused the stored credentials (SQLSTATE {sqlstate})"),
        ),
        "3D" => {
            Failure::misconfigured(format_args!("the target has no database of the name in DB"))
        }
        "53" | "57" => Failure::new(
            EndReason::TargetUnreachable,
            format!("the target takes no connections now: {message}"),
        ),
        _ => Failure::new(
            EndReason::TargetLoginFailed,
            format!("the target refused the connection: {message} (SQLSTATE {sqlstate})"),
        ),
    };
    failure.because(cause)
}

#[cfg(test)]
mod tests;
