//! `control.verifier`: the SCRAM verifier of a credential, or one that looks like it.

mod made_up;

use hoop_bus::Question;
use hoop_domain::DenialCode;
use hoop_proto::v1;
use hoop_store::credential::ScramVerifier;

use crate::{App, error::chain, guard::audit::edge::Denied};

pub(super) async fn answer(app: App, question: Question) {
    let Ok(request) = question.decode::<v1::VerifierRequest>() else {
        // Not one of ours; the one who asked will time out.
        tracing::warn!("a question on control.verifier can't be decoded");
        return;
    };
    let (verifier, known) = match verifier(&app, &request.username).await {
        Ok(found) => found,
        // No answer: the edge refuses the login, saying that nobody could decide.
        Err(error) => {
            tracing::error!(cause = chain(&error), "control.verifier failed");
            return;
        }
    };
    let verifier = v1::ScramVerifier {
        salt: verifier.salt.into(),
        iterations: verifier.iterations,
        stored_key: verifier.stored_key.into(),
        server_key: verifier.server_key.into(),
    };
    question.answer(&v1::VerifierReply { verifier: Some(verifier) }).await;
    if !known {
        refused(&app, &request).await;
    }
}

/// The verifier of this user name, and whether it is somebody's. The made-up one is computed
/// for everybody, so that the time it takes says nothing.
async fn verifier(app: &App, username: &str) -> Result<(ScramVerifier, bool), hoop_store::Error> {
    let made_up = made_up::verifier(app.secrets(), username);
    let kept = app.store.credential_verifier(username).await?;
    let known = kept.is_some();
    Ok((kept.unwrap_or(made_up), known))
}

/// No password is right for a made-up one. The edge can't tell, so this is the place to write
/// it down, once the answer has gone.
async fn refused(app: &App, request: &v1::VerifierRequest) {
    let code = DenialCode::Unauthenticated;
    let denied = Denied {
        known: None,
        login: &request.username,
        resource: "connections",
        name: "",
        action: "connect",
        code,
        reason: code.message(),
        address: &request.client_address,
    };
    denied.write(app).await;
}
