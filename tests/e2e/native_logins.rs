//! Logins on the native port, seen by somebody who should not get in, and passwords beyond ASCII.

use anyhow::{Context, bail, ensure};
use bytes::BytesMut;
use hoop_testkit::{Login, eventually};
use hoop_tests::{
    Access, Gateway, Target,
    gateway::{AGENT, CONNECTION},
};
use hoop_wire::postgres::{
    auth::{Request, sasl_initial_response},
    frame,
    scram::client::{Binding, Client},
    startup::{Version, startup_message},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Result;

/// What the listener asks for next.
async fn asked(io: &mut TcpStream, buffer: &mut BytesMut) -> Result<Request> {
    loop {
        if let Some(message) = frame::split(buffer, 8192)? {
            ensure!(message.tag == b'R', "{}", message.body.escape_ascii());
            return Request::decode(&message.body).context("half a request");
        }
        ensure!(0 < io.read_buf(buffer).await?, "the listener hung up");
    }
}

/// The salt and the iterations that an edge shows for a user name.
async fn salt_of(gateway: &Gateway, edge: usize, username: &str) -> Result<String> {
    let mut io = TcpStream::connect(("127.0.0.1", gateway.edge(edge)?.pg)).await?;
    let user = [("user", username), ("database", CONNECTION)];
    io.write_all(&startup_message(Version::V3_0, user)).await?;
    let mut buffer = BytesMut::new();
    asked(&mut io, &mut buffer).await?;
    let (_, first) = Client::start(Binding::None)?;
    io.write_all(&sasl_initial_response("SCRAM-SHA-256", &first)).await?;
    let Request::SaslContinue(answer) = asked(&mut io, &mut buffer).await? else {
        bail!("no SCRAM challenge");
    };
    let answer = String::from_utf8(answer)?;
    let (_, salt) = answer.split_once(',').context("no salt")?;
    Ok(salt.to_owned())
}

#[tokio::test]
async fn a_user_name_that_does_not_exist_looks_the_same_everywhere_and_after_restarts() -> Result {
    let mut gateway = Gateway::usual().await?;
    let somebody = gateway.access(1).await?.username;
    let both = async |gateway: &Gateway, username: &str| -> Result<String> {
        let (here, there) =
            (salt_of(gateway, 0, username).await?, salt_of(gateway, 1, username).await?);
        assert_eq!(here, there, "two edges tell whether {username} exists");
        Ok(here)
    };
    let known = both(&gateway, &somebody).await?;
    let unknown = both(&gateway, "c-nobody").await?;
    ensure!(unknown != both(&gateway, "c-nobody2").await?, "they all have one salt");
    assert_eq!(known.len(), unknown.len());
    gateway.api.kill()?;
    gateway.api.start()?;
    gateway.edge_mut(1)?.kill()?;
    gateway.edge_mut(1)?.start()?;
    let again = eventually("the login to be back", async || both(&gateway, "c-nobody").await);
    assert_eq!(again.await?, unknown, "a restart tells who exists");
    assert_eq!(both(&gateway, &somebody).await?, known);
    Ok(())
}

#[tokio::test]
async fn a_password_beyond_ascii_reaches_the_target_as_postgresql_means_it() -> Result {
    let gateway = Gateway::usual().await?;
    let Target { postgres, database, .. } = &gateway.target;
    let port = postgres.port().to_string();
    // ü in one piece and in two; spaces of two kinds; what the standard doesn't know.
    for (number, (stored, typed)) in [
        ("über geheim", "u\u{308}ber\u{a0}geheim"),
        ("u\u{308}ber\u{a0}geheim", "über geheim"),
        ("schlüssel \u{1f511}", "schlüssel \u{1f511}"),
    ]
    .into_iter()
    .enumerate()
    {
        let role = format!("{database}_ue_{number}");
        postgres.create_login(&role, stored, Login::Scram).await?;
        let direct = Access {
            username: role.clone(),
            password: typed.to_owned(),
            ..gateway.target.direct()
        };
        assert_eq!(direct.answer("select 1").await?, "1", "libpq itself does not get in");
        let secret = [
            ("HOST", "127.0.0.1"),
            ("PORT", port.as_str()),
            ("USER", &role),
            ("PASS", typed),
            ("DB", database),
        ];
        let name = format!("ue-{number}");
        gateway.rest.connection_create(&name, "postgres", AGENT, &secret, &[]).await?;
        let access = gateway.access_to(&name, 1).await?;
        assert_eq!(access.answer("select current_user").await?, role);
    }
    Ok(())
}

#[tokio::test]
async fn guessing_a_password_gets_slow_and_locks_nobody_out() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    assert_eq!(access.answer("select 1").await?, "1");
    let wrong = Access { password: "wrong".to_owned(), ..gateway.access(1).await? };
    eventually("the guesser to be slowed down", async || {
        let complaint = wrong.query("select 1").await?.failure()?;
        ensure!(complaint.contains("too many failed logins"), "{complaint}");
        Ok(())
    })
    .await?;
    assert_eq!(access.answer("select 1").await?, "1", "another user is locked out");
    Ok(())
}
