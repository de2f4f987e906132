//! Every condition by itself: a request that would be allowed, with one thing wrong.

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{
    AgentId, ConnectionId, ConnectionType, CredentialId, DenialCode, GroupName, OrgId, UserId,
};

use super::{Connection, Facts, Mode, Proof, Protocol, User, decide};

struct Scene {
    now: DateTime<Utc>,
    org: OrgId,
    user: UserId,
    connection: ConnectionId,
    credential: CredentialId,
}

impl Scene {
    fn new() -> Self {
        Self {
            now: hoop_domain::time::from_micros(1_000_000),
            org: OrgId::generate(),
            user: UserId::generate(),
            connection: ConnectionId::generate(),
            credential: CredentialId::generate(),
        }
    }

    fn facts<'a>(&self, user: &'a [GroupName], connection: &'a [GroupName]) -> Facts<'a> {
        Facts {
            now: self.now,
            user: Some(User { id: self.user, org: self.org, active: true, groups: user }),
            proof: Proof::Credential {
                id: self.credential,
                user: self.user,
                connection: self.connection,
                expires_at: self.now + TimeDelta::seconds(1),
                revoked: false,
            },
            connection: Some(Connection {
                id: self.connection,
                org: self.org,
                kind: ConnectionType::Postgres,
                agent: AgentId::generate(),
                groups: connection,
                mode_connect: true,
                mode_exec: true,
            }),
            protocol: Protocol::Only(ConnectionType::Postgres),
            mode: Mode::Connect,
        }
    }
}

fn groups(names: &[&str]) -> Vec<GroupName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// Decides about an allowed request after `change`, and compares.
fn check(change: impl FnOnce(&mut Facts<'_>, &Scene), expect: Result<(), DenialCode>) {
    let scene = Scene::new();
    let (user, connection) = (groups(&["dba", "dev"]), groups(&["dba"]));
    let mut facts = scene.facts(&user, &connection);
    change(&mut facts, &scene);
    assert_eq!(decide(&facts).map(|_| ()), expect);
}

#[test]
fn a_member_of_one_of_the_groups_is_let_in_until_the_credential_expires() {
    let scene = Scene::new();
    let (user, connection) = (groups(&["dba", "dev"]), groups(&["dba"]));
    let permit = decide(&scene.facts(&user, &connection)).unwrap();
    assert_eq!(permit.user(), scene.user);
    assert_eq!(permit.connection(), scene.connection);
    assert_eq!(permit.credential(), Some(scene.credential));
    assert_eq!(permit.not_after(), Some(scene.now + TimeDelta::seconds(1)));
}

#[test]
fn who_is_not_known_or_not_active_is_not_authenticated() {
    let refused = Err(DenialCode::Unauthenticated);
    check(|facts, _| facts.user = None, refused);
    check(|facts, _| facts.user.as_mut().unwrap().active = false, refused);
    check(|facts, _| facts.user.as_mut().unwrap().id = UserId::generate(), refused);
    check(|facts, _| facts.proof = Proof::Token { user: UserId::generate() }, refused);
}

#[test]
fn an_expired_or_revoked_credential_says_so() {
    let at = |offset: i64, gone: bool, expect| {
        check(
            |facts, scene| {
                facts.proof = Proof::Credential {
                    id: scene.credential,
                    user: scene.user,
                    connection: scene.connection,
                    expires_at: scene.now + TimeDelta::seconds(offset),
                    revoked: gone,
                }
            },
            expect,
        );
    };
    at(1, false, Ok(()));
    at(0, false, Err(DenialCode::CredentialExpired));
    at(-1, false, Err(DenialCode::CredentialExpired));
    at(1, true, Err(DenialCode::CredentialExpired));
}

#[test]
fn no_access_looks_like_no_connection() {
    let refused = Err(DenialCode::ConnectionNotFound);
    let nobody = groups(&[]);
    check(|facts, _| facts.connection = None, refused);
    check(|facts, _| facts.connection.as_mut().unwrap().groups = &[], refused);
    check(|facts, _| facts.connection.as_mut().unwrap().org = OrgId::generate(), refused);
    check(|facts, _| facts.connection.as_mut().unwrap().id = ConnectionId::generate(), refused);
    check(|facts, _| facts.connection.as_mut().unwrap().mode_connect = false, refused);
    check(
        |facts, _| {
            facts.mode = Mode::Exec;
            facts.connection.as_mut().unwrap().mode_exec = false;
        },
        refused,
    );
    let scene = Scene::new();
    let open = groups(&["dba"]);
    assert_eq!(decide(&scene.facts(&nobody, &open)).map(|_| ()), refused);
    let auditor = groups(&["auditor"]);
    assert_eq!(decide(&scene.facts(&auditor, &open)).map(|_| ()), refused);
}

#[test]
fn an_administrator_opens_what_is_open_to_nobody() {
    let scene = Scene::new();
    let (admin, nobody) = (groups(&["admin"]), groups(&[]));
    assert!(decide(&scene.facts(&admin, &nobody)).is_ok());
}

#[test]
fn a_native_port_opens_its_own_type_only_and_grpc_any() {
    let refused = Err(DenialCode::WrongProtocol);
    check(|facts, _| facts.protocol = Protocol::Only(ConnectionType::Tcp), refused);
    check(|facts, _| facts.protocol = Protocol::Any, Ok(()));
}

#[test]
fn a_token_opens_every_connection_of_its_owner() {
    check(|facts, scene| facts.proof = Proof::Token { user: scene.user }, Ok(()));
}
