//! `control.refused`: whom an edge refused without asking. Nobody answers, and what is lost on
//! the way is a line of the audit log.

use hoop_bus::Question;
use hoop_domain::{DenialCode, session::Verb};
use hoop_proto::v1::{self, edge_refusal::Asked};

use crate::{App, guard::audit::edge::Denied};

pub(super) async fn answer(app: App, question: Question) {
    let Ok(v1::EdgeRefusal { client_address, asked: Some(asked) }) =
        question.decode::<v1::EdgeRefusal>()
    else {
        tracing::warn!("what an edge says on control.refused can't be read");
        return;
    };
    let (login, resource, name, verb, code) = match &asked {
        Asked::Connection(asked) => {
            let verb = asked.verb.parse().unwrap_or(Verb::Connect);
            let (login, name) = (&asked.credential_username, &asked.connection_name);
            (login.as_str(), "connections", name, verb, DenialCode::Unauthenticated)
        }
        Asked::AgentName(name) => ("", "agents", name, Verb::Connect, DenialCode::AgentUnknown),
    };
    let denied = Denied {
        known: None,
        login,
        resource,
        name,
        action: verb.as_str(),
        code,
        reason: code.message(),
        address: &client_address,
    };
    denied.write(&app).await;
}
