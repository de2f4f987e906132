//! Every condition by itself: a request that would be allowed, with one thing wrong.

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{
    AgentId, AuditLevel, ConnectionId, ConnectionType, CredentialId, DenialCode, GroupName, OrgId,
    TokenId, UserId, connection::Limits, session::Verb,
};

use super::{Connection, Facts, LiveSessions, Proof, Protocol, Recording, User, decide};

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
                mode_runbooks: true,
                limits: Limits::default(),
                audit_level: AuditLevel::Synced,
                restricted_to: None,
                reviewed: false,
                unsupported: false,
            }),
            protocol: Protocol::Only(ConnectionType::Postgres),
            verb: Verb::Connect,
            runbook: false,
            input: None,
            approvals: Vec::new(),
        }
    }
}

fn groups(names: &[&str]) -> Vec<GroupName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn token(user: UserId, expires_at: Option<DateTime<Utc>>) -> Proof {
    Proof::Token { id: Some(TokenId::generate()), user, expires_at }
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
    assert!(!permit.depends_on_count());
    let permit =
        permit.with_room(Recording::Ready, LiveSessions { of_user: 1_000, of_all: 1_000 }).unwrap();
    assert_eq!(permit.credential(), Some(scene.credential));
    assert_eq!(permit.not_after(), Some(scene.now + TimeDelta::seconds(1)));
    assert_eq!(permit.audit_level(), AuditLevel::Synced, "the connection's");
}

#[test]
fn who_is_not_known_or_not_active_is_not_authenticated() {
    let refused = Err(DenialCode::Unauthenticated);
    check(|facts, _| facts.user = None, refused);
    check(|facts, _| facts.user.as_mut().unwrap().active = false, refused);
    check(|facts, _| facts.user.as_mut().unwrap().id = UserId::generate(), refused);
    check(|facts, _| facts.proof = token(UserId::generate(), None), refused);
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
fn what_is_switched_off_is_refused_by_that_name_to_those_who_see_the_connection() {
    let off = |verb: Verb, expect| {
        check(
            |facts, _| {
                facts.protocol = Protocol::Any;
                facts.verb = verb;
                facts.connection.as_mut().unwrap().mode_exec = false;
            },
            expect,
        );
    };
    off(Verb::Exec, Err(DenialCode::ModeDisabled));
    off(Verb::Connect, Ok(()));
    let disabled = Err(DenialCode::ModeDisabled);
    check(|facts, _| facts.connection.as_mut().unwrap().mode_connect = false, disabled);
    check(
        |facts, _| {
            let connection = facts.connection.as_mut().unwrap();
            (connection.mode_connect, connection.groups) = (false, &[]);
        },
        Err(DenialCode::ConnectionNotFound),
    );
}

#[test]
fn a_runbook_is_let_in_by_its_own_mode_and_by_no_other() {
    for (exec, runbooks, runbook, yes) in [
        (false, true, true, true),
        (true, false, true, false),
        (true, false, false, true),
        (false, true, false, false),
    ] {
        check(
            |facts, _| {
                (facts.protocol, facts.verb, facts.runbook) = (Protocol::Any, Verb::Exec, runbook);
                let connection = facts.connection.as_mut().unwrap();
                (connection.mode_exec, connection.mode_runbooks) = (exec, runbooks);
            },
            if yes { Ok(()) } else { Err(DenialCode::ModeDisabled) },
        );
    }
    check(
        |facts, _| {
            facts.runbook = true;
            facts.connection.as_mut().unwrap().mode_connect = false;
        },
        Err(DenialCode::ModeDisabled),
    );
}

#[test]
fn each_type_is_opened_in_its_own_ways() {
    use ConnectionType::{CommandLine, Mysql, Postgres, Tcp};
    let opens = |kind: ConnectionType, protocol: Protocol, verb: Verb, yes: bool| {
        check(
            |facts, _| {
                facts.connection.as_mut().unwrap().kind = kind;
                (facts.protocol, facts.verb) = (protocol, verb);
            },
            if yes { Ok(()) } else { Err(DenialCode::WrongProtocol) },
        );
    };
    let port = Protocol::Only(Postgres);
    for (kind, native, connect, exec) in [
        (Postgres, true, true, true),
        (Mysql, false, false, true),
        (CommandLine, false, true, true),
        (Tcp, false, true, false),
    ] {
        opens(kind, port, Verb::Connect, native);
        opens(kind, port, Verb::Exec, false);
        opens(kind, Protocol::Any, Verb::Connect, connect);
        opens(kind, Protocol::Any, Verb::Exec, exec);
    }
}

#[test]
fn a_token_opens_every_connection_of_its_owner_while_it_is_valid() {
    check(|facts, scene| facts.proof = token(scene.user, None), Ok(()));
    let until = |offset: i64, expect| {
        check(
            |facts, scene| {
                let end = scene.now + TimeDelta::seconds(offset);
                facts.proof = token(scene.user, Some(end));
            },
            expect,
        );
    };
    until(1, Ok(()));
    until(0, Err(DenialCode::Unauthenticated));
}

#[test]
fn a_session_ends_with_its_proof_or_its_longest_time_whichever_is_first() {
    let scene = Scene::new();
    let (user, connection) = (groups(&["dba"]), groups(&["dba"]));
    let ends = |proof: Option<i64>, longest: Option<u32>| {
        let mut facts = scene.facts(&user, &connection);
        facts.proof = token(scene.user, proof.map(|s| scene.now + TimeDelta::seconds(s)));
        facts.connection.as_mut().unwrap().limits.session_seconds = longest;
        let permit =
            decide(&facts).unwrap().with_room(Recording::Ready, LiveSessions::default()).unwrap();
        permit.not_after().map(|end| (end - scene.now).num_seconds())
    };
    assert_eq!(ends(None, None), None);
    assert_eq!(ends(Some(60), None), Some(60));
    assert_eq!(ends(None, Some(30)), Some(30));
    assert_eq!(ends(Some(60), Some(30)), Some(30));
    assert_eq!(ends(Some(60), Some(90)), Some(60));
}

#[test]
fn there_is_room_until_a_limit_is_reached() {
    let scene = Scene::new();
    let (user, connection) = (groups(&["dba"]), groups(&["dba"]));
    let room = |limits: Limits, of_user: u64, of_all: u64| {
        let mut facts = scene.facts(&user, &connection);
        facts.connection.as_mut().unwrap().limits = limits;
        let permit = decide(&facts).unwrap();
        assert!(permit.depends_on_count());
        permit.with_room(Recording::Ready, LiveSessions { of_user, of_all }).map(|_| ())
    };
    let full = Err(DenialCode::TooManySessions);
    let mine = Limits { sessions_per_user: Some(2), ..Limits::default() };
    assert_eq!([room(mine, 1, 100), room(mine, 2, 2)], [Ok(()), full]);
    let all = Limits { sessions: Some(3), ..Limits::default() };
    assert_eq!([room(all, 2, 2), room(all, 0, 3), room(all, 0, 4)], [Ok(()), full, full]);
}

#[test]
fn what_can_not_be_recorded_is_not_opened_whoever_asks() {
    let scene = Scene::new();
    let admins = groups(&["admin"]);
    for (recording, code) in [
        (Recording::Unavailable, DenialCode::RecordingUnavailable),
        (Recording::Full, DenialCode::RecordingFull),
    ] {
        let permit = decide(&scene.facts(&admins, &admins)).unwrap();
        assert_eq!(permit.with_room(recording, LiveSessions::default()).unwrap_err(), code);
    }
}

/// An approval of what the scene asks for, for ten seconds.
fn approval(scene: &Scene) -> super::Approval {
    super::Approval {
        id: hoop_domain::ReviewId::generate(),
        kind: hoop_domain::ReviewKind::Jit,
        user: scene.user,
        connection: scene.connection,
        input: None,
        until: scene.now + TimeDelta::seconds(10),
        window: None,
    }
}

/// The same for a connection that needs an approval, which `change` makes worse.
fn reviewed(change: impl FnOnce(&mut Facts<'_>, &Scene), expect: Result<(), DenialCode>) {
    check(
        |facts, scene| {
            facts.connection.as_mut().unwrap().reviewed = true;
            facts.approvals = vec![approval(scene)];
            change(facts, scene);
        },
        expect,
    );
}

#[test]
fn an_approval_covers_this_user_this_connection_this_verb_and_this_time() {
    let refused = Err(DenialCode::ReviewRequired);
    reviewed(|_, _| {}, Ok(()));
    reviewed(|facts, _| facts.approvals.clear(), refused);
    let with = |change: fn(&mut super::Approval), expect| {
        reviewed(|facts, _| change(facts.approvals.first_mut().unwrap()), expect);
    };
    with(|approval| approval.user = UserId::generate(), refused);
    with(|approval| approval.connection = ConnectionId::generate(), refused);
    with(|approval| approval.kind = hoop_domain::ReviewKind::OneTime, refused);
    with(|approval| approval.until -= TimeDelta::seconds(10), refused);
    // The scene is in the first minute of a day.
    let window = |start, end| hoop_domain::TimeWindow::parse(start, end).ok();
    let hours = |window, expect| {
        reviewed(|facts, _| facts.approvals.first_mut().unwrap().window = window, expect);
    };
    hours(window("22:00", "06:00"), Ok(()));
    hours(window("06:00", "22:00"), Err(DenialCode::OutsideTimeWindow));
    let another = |facts: &mut Facts<'_>, scene: &Scene| {
        facts.approvals.first_mut().unwrap().window = window("06:00", "22:00");
        facts.approvals.insert(0, approval(scene));
    };
    reviewed(another, Ok(()));
}

#[test]
fn an_approved_command_is_that_command_and_no_other() {
    let hash = |input: &str| Some(hoop_domain::InputHash::of(&[], &[], input.as_bytes()));
    let exec = |approved, asked, expect| {
        reviewed(
            |facts, scene| {
                facts.proof = token(scene.user, None);
                (facts.protocol, facts.verb) = (Protocol::Any, Verb::Exec);
                let approval = facts.approvals.first_mut().unwrap();
                approval.kind = hoop_domain::ReviewKind::OneTime;
                (approval.input, facts.input) = (approved, asked);
            },
            expect,
        );
    };
    exec(hash("select 1"), hash("select 1"), Ok(()));
    for asked in [hash("select 2"), hash(""), None] {
        exec(hash("select 1"), asked, Err(DenialCode::ReviewRequired));
    }
    exec(None, None, Err(DenialCode::ReviewRequired));
}

#[test]
fn a_session_ends_when_its_approval_does_however_late_it_began() {
    let scene = Scene::new();
    let (user, connection) = (groups(&["dba"]), groups(&["dba"]));
    let mut facts = scene.facts(&user, &connection);
    facts.proof = token(scene.user, None);
    facts.protocol = Protocol::Any;
    facts.connection.as_mut().unwrap().reviewed = true;
    facts.approvals = vec![approval(&scene)];
    facts.now += TimeDelta::seconds(9);
    let permit = decide(&facts).unwrap();
    let end = scene.now + TimeDelta::seconds(10);
    assert_eq!((permit.approved_until(), permit.is_one_time()), (Some(end), false));
    assert!(permit.review().is_some());
    let permit = permit.with_room(Recording::Ready, LiveSessions::default()).unwrap();
    assert_eq!(permit.not_after(), Some(end), "a second is left of ten");
}

#[test]
fn what_is_restricted_further_is_open_to_those_in_both() {
    let restricted = |to: &[&str], expect| {
        let to = groups(to);
        let scene = Scene::new();
        let (user, connection) = (groups(&["dba", "dev"]), groups(&["dba"]));
        let mut facts = scene.facts(&user, &connection);
        facts.connection.as_mut().unwrap().restricted_to = Some(&to);
        assert_eq!(decide(&facts).map(|_| ()), expect);
    };
    restricted(&["dev"], Ok(()));
    restricted(&["dba", "ops"], Ok(()));
    restricted(&["ops"], Err(DenialCode::ConnectionNotFound));
    restricted(&[], Err(DenialCode::ConnectionNotFound));
}

#[test]
fn a_rule_that_can_not_be_applied_is_a_refusal() {
    let refused = Err(DenialCode::PolicyUnavailable);
    check(|facts, _| facts.connection.as_mut().unwrap().unsupported = true, refused);
    reviewed(|facts, _| facts.connection.as_mut().unwrap().unsupported = true, refused);
}
