//! The server does what other tests build on.

use std::process::Command;

use super::*;

fn psql(uri: &str) -> std::process::Output {
    Command::new("psql").args(["-X", "-Atc", "select current_user", uri]).output().unwrap()
}

#[tokio::test]
async fn databases_are_empty_and_apart() {
    let postgres = postgres().await.unwrap();
    let one = postgres.create_database().await.unwrap();
    let other = postgres.create_database().await.unwrap();
    assert_ne!(one, other);
    assert_eq!(String::from_utf8_lossy(&psql(&one).stdout).trim(), "postgres");
}

#[tokio::test]
async fn a_template_is_filled_once_and_copied() {
    let postgres = postgres().await.unwrap();
    let name = format!("template_{:x}", crate::unique::number());
    let mut filled = 0;
    for _ in 0..2 {
        postgres
            .template(&name, async |_uri| {
                filled += 1;
                postgres.run(&name, "create table marks (mark int)").await.map(|_| ())
            })
            .await
            .unwrap();
    }
    assert_eq!(filled, 1);
    let copy = postgres.create_database_from(&name).await.unwrap();
    let database = copy.rsplit('/').next().unwrap().split('?').next().unwrap();
    assert_eq!(postgres.run(database, "select count(*) from marks").await.unwrap(), "0");
}

#[tokio::test]
async fn a_role_logs_in_with_its_password_only() {
    let postgres = postgres().await.unwrap();
    for login in [Login::Scram, Login::Md5, Login::Cleartext] {
        let role = format!("role_{:x}", crate::unique::number());
        postgres.create_login(&role, "right", login).await.unwrap();
        let uri = |password: &str| {
            format!("postgres://{role}:{password}@127.0.0.1:{}/postgres", postgres.port())
        };
        assert!(psql(&uri("right")).status.success(), "{login:?}");
        assert!(!psql(&uri("wrong")).status.success(), "{login:?}");
    }
}

#[tokio::test]
async fn a_server_of_ones_own_can_be_stopped_and_started() {
    let postgres = Postgres::alone().await.unwrap();
    let uri = postgres.create_database().await.unwrap();
    postgres.stop().unwrap();
    assert!(!psql(&uri).status.success());
    postgres.start().await.unwrap();
    assert!(psql(&uri).status.success());
}

#[tokio::test]
async fn the_servers_certificate_can_be_verified() {
    let postgres = postgres().await.unwrap();
    let uri = format!(
        "postgres://postgres@localhost:{}/postgres?sslmode=verify-full&sslrootcert={}",
        postgres.port(),
        postgres.authority().display()
    );
    let output = psql(&uri);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
