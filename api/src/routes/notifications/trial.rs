//! Whether a channel works, without waiting for something to happen.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{channels::find, check};
use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result},
    extract::{Named, OptionalBody},
};

/// To whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialRequest {
    /// One recipient; left out for a channel that is a webhook.
    recipient: Option<String>,
}

/// The delivery that is on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct Trial {
    /// Its id, as in `GET /api/notifications/deliveries`.
    delivery: String,
}

/// Sends a test through a channel. The log of deliveries says what came of it.
#[utoipa::path(post, path = "/api/notifications/channels/{name}/test", tag = "notifications",
    params(("name" = String, Path, description = "name or id")),
    request_body = Option<TrialRequest>,
    responses((status = 202, body = Trial), (status = 404, body = Problem),
        (status = 409, description = "the channel is switched off", body = Problem),
        (status = 422, description = "the recipient makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    actor: Actor,
    Named(name): Named,
    OptionalBody(request): OptionalBody<TrialRequest>,
) -> Result<(StatusCode, Json<Trial>)> {
    let channel = find(&app, &name).await?;
    if !channel.enabled {
        let what = format!("the channel {} is switched off; enable it first", channel.name);
        return Err(Error::Conflict { what });
    }
    let given: Vec<String> = request.and_then(|request| request.recipient).into_iter().collect();
    let recipients = check::recipients(channel.kind, &channel.secret_names, &given)?;
    let recipient = recipients.first().map_or("", String::as_str);
    let delivery = app.org.channel_try(&channel, recipient, &actor.email, app.now()).await?;
    Ok((StatusCode::ACCEPTED, Json(Trial { delivery: delivery.to_string() })))
}
