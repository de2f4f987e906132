//! A database with two organisations, and the things that tests put into it.

use chrono::{DateTime, Utc};
use hoop_domain::{
    AgentId, ConnectionId, CredentialId, OrgId, SessionId, UserId, agent_key::SealPublicKey,
    session::Verb,
};
use hoop_store::{
    OrgStore, Store,
    agent::{AgentMode, NewAgent},
    connection::{Connection, ConnectionSpec, EncryptedSecret},
    credential::{NewCredential, ScramVerifier},
    session::NewSession,
    user::{User, UserSpec},
};

/// A migrated database.
pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) org: OrgStore,
    pub(crate) other: OrgStore,
}

/// An instant on an ordinary day; tests count from here instead of looking at a clock.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    hoop_domain::time::from_micros((1_700_000_000 + second) * 1_000_000)
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let postgres = hoop_testkit::postgres().await.unwrap();
        postgres
            .template("migrated_for_the_store", async |uri| {
                let store = Store::connect(&uri).await?;
                store.migrate().await?;
                store.close().await;
                Ok(())
            })
            .await
            .unwrap();
        let uri = postgres.create_database_from("migrated_for_the_store").await.unwrap();
        let store = Store::connect(&uri).await.unwrap();
        let org = store.org(store.org_ensure("ours").await.unwrap());
        let other = store.org(store.org_ensure("theirs").await.unwrap());
        Self { store, org, other }
    }
}

pub(crate) async fn user(org: &OrgStore, email: &str, groups: &[&str]) -> User {
    org.user_create(&user_spec(email, groups)).await.unwrap()
}

pub(crate) fn user_spec(email: &str, groups: &[&str]) -> UserSpec {
    UserSpec {
        email: email.into(),
        name: "Somebody".into(),
        active: true,
        groups: groups.iter().map(|name| name.parse().unwrap()).collect(),
        password_hash: None,
    }
}

pub(crate) fn new_agent(name: &str) -> NewAgent {
    let mut token_digest = [0; 32];
    token_digest[..16].copy_from_slice(AgentId::generate().as_bytes());
    NewAgent {
        name: name.parse().unwrap(),
        mode: AgentMode::Standard,
        token_digest,
        seal_public_key: SealPublicKey([7; 32]),
    }
}

pub(crate) async fn agent(org: &OrgStore, name: &str) -> AgentId {
    org.agent_create(&new_agent(name)).await.unwrap()
}

pub(crate) fn connection_spec(name: &str, agent: AgentId, groups: &[&str]) -> ConnectionSpec {
    ConnectionSpec {
        name: name.parse().unwrap(),
        kind: hoop_domain::ConnectionType::Postgres,
        agent,
        groups: groups.iter().map(|name| name.parse().unwrap()).collect(),
        mode_connect: true,
        mode_exec: true,
        mode_runbooks: true,
        review: Default::default(),
        command: Vec::new(),
        limits: Default::default(),
        audit_level: Default::default(),
        secret: Some(EncryptedSecret { ciphertext: vec![1, 2, 3], names: vec!["HOST".into()] }),
    }
}

pub(crate) async fn connection(
    org: &OrgStore,
    name: &str,
    agent: AgentId,
    groups: &[&str],
) -> Connection {
    let spec = connection_spec(name, agent, groups);
    org.connection_create(ConnectionId::generate(), &spec).await.unwrap()
}

pub(crate) fn new_credential(
    user: UserId,
    connection: ConnectionId,
    username: &str,
) -> NewCredential {
    NewCredential {
        user,
        connection,
        username: username.into(),
        verifier: ScramVerifier {
            salt: vec![1; 16],
            iterations: 4096,
            stored_key: vec![2; 32],
            server_key: vec![3; 32],
        },
        expires_at: at(3600),
    }
}

/// Somebody in group `dba` with a connection that is open to it.
pub(crate) struct Cast {
    pub(crate) org: OrgId,
    pub(crate) user: User,
    pub(crate) agent: AgentId,
    pub(crate) connection: Connection,
    pub(crate) credential: CredentialId,
}

pub(crate) async fn cast(org: &OrgStore) -> Cast {
    let user = user(org, "ann@example.com", &["dba"]).await;
    let agent = agent(org, "dev").await;
    let connection = connection(org, "pg", agent, &["dba"]).await;
    let username = format!("c-{}", org.id());
    let credential =
        org.credential_create(&new_credential(user.id, connection.id, &username)).await.unwrap();
    Cast { org: org.id(), user, agent, connection, credential }
}

impl Cast {
    /// A session of theirs that is allowed at second `second`.
    pub(crate) async fn session(&self, store: &Store, second: i64) -> SessionId {
        self.put(store, self.allowed(second)).await
    }

    /// Puts a session on record, which may be another one than [`Self::allowed`] makes.
    pub(crate) async fn put(&self, store: &Store, new: NewSession) -> SessionId {
        store.org(self.org).session_create(&new, None).await.unwrap();
        new.id
    }

    /// A session of theirs, not on record yet.
    pub(crate) fn allowed(&self, second: i64) -> NewSession {
        NewSession {
            id: SessionId::generate(),
            user: self.user.id,
            user_email: self.user.email.clone(),
            user_name: self.user.name.clone(),
            connection: self.connection.id,
            connection_name: self.connection.name.clone(),
            connection_kind: self.connection.kind,
            agent: self.agent,
            agent_name: self.connection.agent_name.clone(),
            verb: Verb::Connect,
            runbook: None,
            command: Vec::new(),
            credential: Some(self.credential),
            token: None,
            review: None,
            client_address: "127.0.0.1:5".into(),
            client_application: "psql".into(),
            not_after: Some(at(3600)),
            authorized_at: at(second),
        }
    }
}
