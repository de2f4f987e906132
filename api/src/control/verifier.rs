//! `control.verifier`: the SCRAM verifier of a credential, or one that looks like it.

mod made_up;

use hoop_bus::Question;
use hoop_proto::v1;
use hoop_store::credential::ScramVerifier;

use crate::{App, error::chain};

pub(super) async fn answer(app: App, question: Question) {
    let Ok(request) = question.decode::<v1::VerifierRequest>() else {
        // Not one of ours; the one who asked will time out.
        tracing::warn!("a question on control.verifier can't be decoded");
        return;
    };
    let verifier = match verifier(&app, &request.username).await {
        Ok(verifier) => verifier,
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
}

/// The verifier of this user name. The made-up one is computed for everybody, so that the time
/// it takes says nothing; nor does what comes after: edges tell of each wrong password alike.
async fn verifier(app: &App, username: &str) -> Result<ScramVerifier, hoop_store::Error> {
    let made_up = made_up::verifier(app.secrets(), username);
    let kept = app.store.credential_verifier(username).await?;
    Ok(kept.unwrap_or(made_up))
}
