//! `control.verifier`: the SCRAM verifier of a credential.

use hoop_bus::Question;
use hoop_proto::v1;

use crate::{App, error::chain};

pub(super) async fn answer(app: App, question: Question) {
    let Ok(request) = question.decode::<v1::VerifierRequest>() else {
        // Not one of ours; the one who asked will time out.
        tracing::warn!("a question on control.verifier can't be decoded");
        return;
    };
    match app.store.credential_verifier(&request.username).await {
        Ok(verifier) => {
            let verifier = verifier.map(|verifier| v1::ScramVerifier {
                salt: verifier.salt.into(),
                iterations: verifier.iterations,
                stored_key: verifier.stored_key.into(),
                server_key: verifier.server_key.into(),
            });
            question.answer(&v1::VerifierReply { verifier }).await;
        }
        // No answer: the edge refuses the login, saying that nobody could decide.
        Err(error) => tracing::error!(cause = chain(&error), "control.verifier failed"),
    }
}
