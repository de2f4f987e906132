//! Every refusal and every end, as a client reads it.

use hoop_wire::postgres::error::Report;

use super::*;

fn told(refusal: &Refusal) -> Report {
    let mut out = Vec::new();
    refusal.encode(&mut out);
    assert_eq!(out.first(), Some(&b'E'));
    Report::decode(&out[5..])
}

fn well_formed(refusal: &Refusal) {
    let report = told(refusal);
    assert_eq!(report.severity, "FATAL");
    assert_eq!(report.sqlstate.len(), 5);
    assert!(report.sqlstate.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    for text in [Some(report.message), report.hint].into_iter().flatten() {
        assert!(text.starts_with(|c: char| c.is_lowercase() || c == '"'), "{text}");
        assert!(!text.ends_with('.'), "{text}");
    }
}

#[test]
fn every_denial_has_a_sqlstate_and_a_sentence() {
    for code in DenialCode::ALL {
        let refusal = Refusal::from(Denied::new(*code));
        assert_eq!(refusal.message, code.message());
        well_formed(&refusal);
    }
}

#[test]
fn every_end_has_a_sqlstate_and_a_sentence() {
    for reason in EndReason::ALL {
        well_formed(&Refusal::not_opened(*reason, ""));
    }
}

#[test]
fn the_codes_are_the_documented_ones() {
    let denial = |code| Refusal::from(Denied::new(code)).sqlstate;
    let end = |reason| Refusal::not_opened(reason, "").sqlstate;
    assert_eq!(Refusal::wrong_password("a").sqlstate, "28P01");
    assert_eq!(denial(DenialCode::Unauthenticated), "28P01");
    assert_eq!(denial(DenialCode::CredentialExpired), "28000");
    assert_eq!(denial(DenialCode::ConnectionNotFound), "3D000");
    assert_eq!(denial(DenialCode::AgentOffline), "08001");
    assert_eq!(denial(DenialCode::RecordingUnavailable), "57P03");
    assert_eq!(end(EndReason::TargetUnreachable), "08006");
    assert_eq!(end(EndReason::RecordingUnavailable), "57P03");
    for reason in [EndReason::Killed, EndReason::Expired, EndReason::Drained, EndReason::AgentLost]
    {
        assert_eq!(end(reason), "57P01");
    }
}

#[test]
fn the_gateways_own_words_come_first() {
    let denied =
        Denied { code: DenialCode::AgentOffline, message: "agent \"eu\" is offline".into() };
    assert_eq!(Refusal::from(denied).message, "agent \"eu\" is offline");
    assert_eq!(Refusal::not_opened(EndReason::Killed, "by ops").message, "by ops");
}

#[test]
fn nobody_is_told_what_they_know_or_can_not_hear() {
    for reason in [EndReason::ClientClosed, EndReason::ClientLost, EndReason::TargetClosed] {
        assert_eq!(Refusal::farewell(reason, "x"), None);
    }
    assert!(Refusal::farewell(EndReason::Killed, "x").is_some());
}

#[test]
fn an_unknown_user_and_a_wrong_password_sound_the_same() {
    assert_eq!(
        Refusal::scram(scram::Error::WrongPassword, "alice"),
        Refusal::wrong_password("alice")
    );
}
