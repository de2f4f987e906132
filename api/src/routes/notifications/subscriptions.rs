//! Subscriptions: which events go to whom through which channel.

use axum::extract::State;
use chrono::{DateTime, Utc};
use hoop_store::{
    NameCursor,
    notification::{
        Pattern,
        subscription::{Subscription, SubscriptionSpec},
    },
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{channels, check};
use crate::{
    App, Error,
    error::{Problem, Result},
    etag::{IfMatch, Tagged},
    extract::{Body, Named},
    paging::{ArrayQuery, Asked, Linked},
};

/// As many as there are kinds of events, and then some.
const MOST_EVENTS: usize = 50;

/// A subscription to be, or what becomes of one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscriptionRequest {
    /// Unique among the subscriptions.
    name: String,
    /// The channel's name or id.
    channel: String,
    /// Kinds such as `session.opened`, families such as `session.*`, or `*`.
    events: Vec<String>,
    /// Mail addresses, Slack channels, MagicBell users; none for webhooks.
    #[serde(default)]
    recipients: Vec<String>,
    /// Whether it is in force; true when left out.
    #[serde(default = "channels::yes")]
    enabled: bool,
}

/// A subscription.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubscriptionResponse {
    /// The id.
    id: String,
    /// The name.
    name: String,
    /// The channel's name.
    channel: String,
    /// The channel's id.
    channel_id: String,
    /// Kinds, families, or `*`.
    events: Vec<String>,
    /// To whom.
    recipients: Vec<String>,
    /// Whether it is in force.
    enabled: bool,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

impl From<Subscription> for SubscriptionResponse {
    fn from(subscription: Subscription) -> Self {
        let spec = subscription.spec;
        Self {
            id: subscription.id.to_string(),
            name: spec.name,
            channel: subscription.channel_name,
            channel_id: spec.channel.to_string(),
            events: spec.events.iter().map(Pattern::to_string).collect(),
            recipients: spec.recipients,
            enabled: spec.enabled,
            created_at: subscription.created_at,
            updated_at: subscription.updated_at,
        }
    }
}

/// Lists the subscriptions, by name.
#[utoipa::path(get, path = "/api/notifications/subscriptions", tag = "notifications",
    params(ArrayQuery), responses((status = 200, body = Vec<SubscriptionResponse>)))]
pub(crate) async fn list(
    State(app): State<App>,
    asked: Asked<NameCursor>,
) -> Result<Linked<SubscriptionResponse>> {
    let found = app.org.subscription_list(None, &asked.window).await?;
    asked.linked(found, SubscriptionResponse::from)
}

/// Shows a subscription.
#[utoipa::path(get, path = "/api/notifications/subscriptions/{name}", tag = "notifications",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 200, body = SubscriptionResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Named(name): Named,
) -> Result<Tagged<SubscriptionResponse>> {
    respond(&app, &name).await
}

/// Makes a subscription: events from now on are told.
#[utoipa::path(post, path = "/api/notifications/subscriptions", tag = "notifications",
    request_body = SubscriptionRequest,
    responses((status = 201, body = SubscriptionResponse),
        (status = 409, description = "the name is taken", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Body(request): Body<SubscriptionRequest>,
) -> Result<(StatusCode, Tagged<SubscriptionResponse>)> {
    let spec = spec(&app, &request).await?;
    let id = app.org.subscription_create(&spec, app.now()).await?;
    Ok((StatusCode::CREATED, respond(&app, &id.to_string()).await?))
}

/// Changes a subscription; what is on its way already goes on.
#[utoipa::path(put, path = "/api/notifications/subscriptions/{name}", tag = "notifications",
    params(("name" = String, Path, description = "name or id")),
    request_body = SubscriptionRequest,
    responses((status = 200, body = SubscriptionResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(name): Named,
    Body(request): Body<SubscriptionRequest>,
) -> Result<Tagged<SubscriptionResponse>> {
    let id = app.org.subscription_fetch(&name).await?.id;
    let spec = spec(&app, &request).await?;
    app.org.subscription_update(id, &spec, app.now(), versions.as_deref()).await?;
    respond(&app, &id.to_string()).await
}

/// Deletes a subscription; what is on its way already goes on.
#[utoipa::path(delete, path = "/api/notifications/subscriptions/{name}", tag = "notifications",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(name): Named,
) -> Result<StatusCode> {
    let stored = app.org.subscription_fetch(&name).await?;
    app.org.subscription_delete(stored.id, versions.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn respond(app: &App, name: &str) -> Result<Tagged<SubscriptionResponse>> {
    let subscription = app.org.subscription_fetch(name).await?;
    Ok(Tagged(subscription.version, subscription.into()))
}

async fn spec(app: &App, request: &SubscriptionRequest) -> Result<SubscriptionSpec> {
    let name = check::name(&request.name)?;
    let channel = match channels::find(app, &request.channel).await {
        Err(Error::NotFound { .. }) => {
            return Err(Error::invalid("channel", "there is no channel of that name or id"));
        }
        found => found?,
    };
    if request.events.is_empty() || MOST_EVENTS < request.events.len() {
        return Err(Error::invalid("events", "are 1 to 50"));
    }
    let mut events = Vec::new();
    for event in &request.events {
        let pattern: Pattern = event.parse().map_err(|error| Error::invalid("events", error))?;
        events.push(pattern);
    }
    let recipients = check::recipients(channel.kind, &channel.secret_names, &request.recipients)?;
    Ok(SubscriptionSpec { name, channel: channel.id, events, recipients, enabled: request.enabled })
}
