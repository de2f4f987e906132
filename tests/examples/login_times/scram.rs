//! Passwords at the native port, by SCRAM.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use hoop_tests::{Gateway, gateway::CONNECTION};
use hoop_wire::postgres::login::{Error, Login, Settings, Step};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

use crate::{
    ADDRESSES, TRIES,
    times::{Times, turns},
};

pub(crate) async fn measure(gateway: &Gateway) -> Result<()> {
    let access = gateway.access(1).await?;
    let cases = [
        ("a known credential", access.username.as_str()),
        ("an unknown credential", "c-000000000000"),
    ];
    let (mut offers, mut challenges, mut refusals) =
        (Times::default(), Times::default(), Times::default());
    for address in 1..=ADDRESSES {
        for round in 0..TRIES {
            for &(case, username) in turns(&cases, round) {
                let from = SocketAddr::from(([127, 0, 0, address], 0));
                let [offer, challenge, refusal] = refused(from, access.port, username).await?;
                offers.note(case, offer);
                challenges.note(case, challenge);
                refusals.note(case, refusal);
            }
        }
    }
    offers.print("SCRAM, from the user name to the offer: the verifier is looked up")?;
    challenges.print("SCRAM, from the first message to the challenge")?;
    refusals.print("SCRAM, from the proof to the refusal, which waits for half a second")
}

/// How long the listener takes for each of its three answers to a login with a wrong password.
async fn refused(from: SocketAddr, port: u16, username: &str) -> Result<[Duration; 3]> {
    let (mut login, mut send) = Login::start(Settings {
        user: username.to_owned(),
        password: "not the password".to_owned().into(),
        database: CONNECTION.to_owned(),
        parameters: Vec::new(),
        certificate: None,
    });
    let socket = TcpSocket::new_v4()?;
    socket.bind(from)?;
    let mut io = socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    io.set_nodelay(true)?;
    let (mut took, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        // What the client computes for its next message is not the listener's time.
        let begun = Instant::now();
        io.write_all(&send).await?;
        let length = io.read(&mut piece).await?;
        took.push(begun.elapsed());
        ensure!(0 < length, "the listener hung up");
        match login.feed(piece.get(..length).unwrap_or_default()) {
            Ok(Step::Continue { send: next }) => send = next,
            Ok(Step::Done(_)) => bail!("{username} was let in"),
            Err(Error::Refused(report)) => {
                ensure!(report.sqlstate == "28P01", "{}", report.message);
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    match took.as_slice() {
        &[offer, challenge, refusal] => Ok([offer, challenge, refusal]),
        _ => bail!("the listener answered in {} pieces, not 3", took.len()),
    }
}
