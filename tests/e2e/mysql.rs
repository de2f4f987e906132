//! `hoop exec` on connections of type `mysql`: Debian's client beside the agent, and a real MariaDB.

use anyhow::ensure;
use hoop_testkit::{
    MariaDb, eventually,
    mariadb::{DATABASE, PASSWORD, PASSWORD_CORE, USER, mariadb},
};
use hoop_tests::{Gateway, Psql, cli::Person, gateway::AGENT, rest::text};

use crate::Result;

/// A gateway with the connection `shop` to a server, and somebody signed in.
async fn with_shop() -> Result<(MariaDb, Gateway, Person)> {
    let server = mariadb().await?;
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    connection(&gateway, &server, "shop", PASSWORD).await?;
    Ok((server, gateway, person))
}

async fn connection(gateway: &Gateway, server: &MariaDb, name: &str, password: &str) -> Result {
    let port = server.port().to_string();
    let secret = [
        ("HOST", "127.0.0.1"),
        ("PORT", port.as_str()),
        ("USER", USER),
        ("PASS", password),
        ("DB", DATABASE),
    ];
    gateway.rest.connection_create(name, "mysql", AGENT, &secret, &[]).await?;
    Ok(())
}

/// The command lines of all processes of this machine.
fn command_lines() -> Result<Vec<String>> {
    let processes = std::fs::read_dir("/proc")?.flatten();
    // One that ends meanwhile has nothing to read.
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    Ok(lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect())
}

/// Fails when the password is in a log, a packet, an answer or the database.
async fn is_told_to_nobody(gateway: &Gateway, session: &str) -> Result {
    let mut places = vec![("the state store".to_owned(), gateway.dump_of_state().await?)];
    for path in ["/api/connections/shop".to_owned(), format!("/api/sessions/{session}")] {
        places.push((path.clone(), gateway.rest.get(&path).await?.to_string()));
    }
    let recording = gateway.rest.recording(session).await?;
    for packet in recording.input.iter().chain(&recording.output) {
        let data = String::from_utf8_lossy(&packet.data()?).into_owned();
        places.push((format!("packet {}", packet.seq()), format!("{data} {:?}", packet.0)));
    }
    for service in gateway.services() {
        places.push((service.name().to_owned(), service.log()));
    }
    for (place, text) in places {
        ensure!(!text.contains(PASSWORD_CORE), "the password is in {place}");
    }
    Ok(())
}

#[tokio::test]
async fn mysql_runs_beside_the_agent_is_recorded_and_shows_the_password_to_nobody() -> Result {
    let (server, gateway, person) = with_shop().await?;
    let statements = "create table bread (id int primary key, name text); \
                      insert into bread values (1, 'rye'), (2, null); \
                      select id, name, database() as place from bread order by id";
    let output = person.hoop(&["exec", "shop", "-i", statements])?.output().await?;
    assert_eq!(Psql(output).success()?, "id\tname\tplace\n1\trye\tshop\n2\tNULL\tshop");
    let session = gateway.rest.only_session("shop").await?;
    let id = text(&session, "id").to_owned();
    gateway.rest.session_done(&id).await?;
    let recording = gateway.rest.recording(&id).await?;
    recording.is_complete()?;
    let (typed, shown) = (recording.input_bytes()?, recording.output_bytes()?);
    ensure!(String::from_utf8_lossy(&typed).contains("insert into bread"), "{typed:?}");
    ensure!(String::from_utf8_lossy(&shown).contains("1\trye\tshop\n"), "{shown:?}");
    is_told_to_nobody(&gateway, &id).await?;

    // While it runs, everybody on the agent's host can read its arguments.
    let child = person.hoop(&["exec", "shop", "-i", "select sleep(600)"])?.spawn()?;
    let sleeping = "select id from information_schema.processlist where info like 'select sleep%'";
    let asleep = eventually("the query to run", async || {
        let found = server.run(sleeping).await?;
        ensure!(!found.is_empty(), "not yet");
        Ok(found)
    })
    .await?;
    let lines = command_lines()?;
    let client = lines.iter().any(|line| line.contains("--defaults-extra-file="));
    ensure!(client, "mysql is not among {} processes", lines.len());
    let telling: Vec<_> = lines.iter().filter(|line| line.contains(PASSWORD_CORE)).collect();
    ensure!(telling.is_empty(), "{telling:?}");
    server.run(&format!("kill {asleep}")).await?;
    let output = child.wait_with_output().await?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    ensure!(Psql(output).complaint().contains("ERROR"), "it does not say why it ended");
    Ok(())
}

#[tokio::test]
async fn what_the_server_refuses_is_said_with_the_exit_code_of_the_client() -> Result {
    let (server, gateway, person) = with_shop().await?;
    connection(&gateway, &server, "wrong", "not-the-password").await?;
    let output = person.hoop(&["exec", "wrong", "-i", "select 1"])?.output().await?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    ensure!(output.stdout.is_empty(), "{output:?}");
    let complaint = Psql(output).complaint();
    ensure!(complaint.contains("Access denied for user 'app'@'127.0.0.1'"), "{complaint}");
    ensure!(!complaint.contains("not-the-password"), "{complaint}");
    let session = gateway.rest.only_session("wrong").await?;
    gateway.rest.session_done(text(&session, "id")).await?;

    // The first error ends a script.
    let script = b"select 'before'; select nonsense; select 'later';".to_vec();
    let output = person.feed(&["exec", "shop"], script).await?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(shown.contains("before") && !shown.contains("later"), "{shown}");
    ensure!(Psql(output).complaint().contains("Unknown column 'nonsense'"), "no reason");
    Ok(())
}
