//! Channels: the ways to tell people.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use hoop_store::{
    NameCursor,
    notification::{
        ChannelKind, Values,
        channel::{Channel, ChannelSpec},
    },
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check;
use crate::{
    App, Error,
    error::{Problem, Result},
    etag::{IfMatch, TRIES, Tagged},
    extract::{Body, Named},
    paging::{ArrayQuery, Asked, Linked},
};

/// A channel to be, or what becomes of one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelRequest {
    /// Unique among the channels.
    name: String,
    /// `smtp`, `slack`, `magicbell` or `webhook`; it can't be changed.
    #[serde(rename = "type")]
    kind: String,
    /// What it has to know, such as `host` and `from`.
    #[serde(default)]
    #[schema(value_type = Object)]
    settings: BTreeMap<String, String>,
    /// Names and values. A value that is null or empty stays as it is; a name that is left
    /// out is forgotten. Left out as a whole, all stay.
    #[schema(value_type = Option<Object>)]
    secrets: Option<check::Given>,
    /// Whether it is used; true when left out.
    #[serde(default = "yes")]
    enabled: bool,
}

pub(super) const fn yes() -> bool {
    true
}

/// A channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelResponse {
    /// The id.
    id: String,
    /// The name.
    name: String,
    /// `smtp`, `slack`, `magicbell` or `webhook`; `segment` when the notifier has `SEGMENT_KEY`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `api`, or `environment` when the notifier's environment sets it up.
    source: &'static str,
    /// What it knows.
    #[schema(value_type = Object)]
    settings: Values,
    /// The names of its secrets; values are never shown.
    secret_names: Vec<String>,
    /// Whether it is used.
    enabled: bool,
    /// Nothing is sent before, because the other side asked for a pause.
    paused_until: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

/// How many dead letters are sent again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Redriven {
    /// So many.
    redriven: u64,
}

impl From<Channel> for ChannelResponse {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id.to_string(),
            name: channel.name,
            kind: channel.kind.as_str(),
            source: if channel.from_environment { "environment" } else { "api" },
            settings: channel.settings,
            secret_names: channel.secret_names,
            enabled: channel.enabled,
            paused_until: channel.paused_until,
            created_at: channel.created_at,
            updated_at: channel.updated_at,
        }
    }
}

/// Lists the channels, by name.
#[utoipa::path(get, path = "/api/notifications/channels", tag = "notifications",
    params(ArrayQuery), responses((status = 200, body = Vec<ChannelResponse>)))]
pub(crate) async fn list(
    State(app): State<App>,
    asked: Asked<NameCursor>,
) -> Result<Linked<ChannelResponse>> {
    asked.linked(app.org.channel_list(&asked.window).await?, ChannelResponse::from)
}

/// Shows a channel.
#[utoipa::path(get, path = "/api/notifications/channels/{name}", tag = "notifications",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 200, body = ChannelResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Named(name): Named,
) -> Result<Tagged<ChannelResponse>> {
    respond(&app, &name).await
}

/// Makes a channel.
#[utoipa::path(post, path = "/api/notifications/channels", tag = "notifications",
    request_body = ChannelRequest,
    responses((status = 201, body = ChannelResponse),
        (status = 409, description = "the name is taken", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Body(request): Body<ChannelRequest>,
) -> Result<(StatusCode, Tagged<ChannelResponse>)> {
    let spec = spec(&request, &Values::new())?;
    let id = app.org.channel_create(&app.config.channel_key, &spec, app.now()).await?;
    Ok((StatusCode::CREATED, respond(&app, &id.to_string()).await?))
}

/// Changes a channel. What waits for it is sent as it is now.
#[utoipa::path(put, path = "/api/notifications/channels/{name}", tag = "notifications",
    params(("name" = String, Path, description = "name or id")),
    request_body = ChannelRequest,
    responses((status = 200, body = ChannelResponse), (status = 404, body = Problem),
        (status = 409, description = "the environment sets it up", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    if_match: IfMatch,
    Named(name): Named,
    Body(request): Body<ChannelRequest>,
) -> Result<Tagged<ChannelResponse>> {
    for _ in 0..TRIES {
        let (stored, secrets) = app.org.channel_open(&app.config.channel_key, &name).await?;
        if_match.allows("channel", stored.version)?;
        match change(&app, &request, &stored, &secrets).await {
            // Secrets that are left out stay as they have them who were faster.
            Err(Error::Changed { .. }) => {}
            done => {
                done?;
                return respond(&app, &stored.id.to_string()).await;
            }
        }
    }
    Err(Error::Changed { what: "channel" })
}

/// Makes of what is `stored` what is asked for, unless it is of another version by now.
async fn change(
    app: &App,
    request: &ChannelRequest,
    stored: &Channel,
    secrets: &Values,
) -> Result<()> {
    refuse_environment(stored)?;
    if request.kind != stored.kind.as_str() {
        return Err(Error::invalid("type", "can't be changed; make a new channel"));
    }
    let (key, spec) = (&app.config.channel_key, spec(request, secrets)?);
    let of = [stored.version];
    Ok(app.org.channel_update(key, stored.id, &spec, app.now(), Some(&of)).await?)
}

/// Deletes a channel; what was on its way through it is a dead letter.
#[utoipa::path(delete, path = "/api/notifications/channels/{name}", tag = "notifications",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 204), (status = 404, body = Problem),
        (status = 409, description = "subscriptions use it", body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(name): Named,
) -> Result<StatusCode> {
    let channel = find(&app, &name).await?;
    refuse_environment(&channel)?;
    app.org.channel_delete(channel.id, app.now(), versions.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends all dead letters of a channel again.
#[utoipa::path(post, path = "/api/notifications/channels/{name}/redrive", tag = "notifications",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 200, body = Redriven), (status = 404, body = Problem)))]
pub(crate) async fn redrive(State(app): State<App>, Named(name): Named) -> Result<Json<Redriven>> {
    let channel = find(&app, &name).await?;
    let redriven = app.org.channel_redrive(channel.id, app.now()).await?;
    Ok(Json(Redriven { redriven }))
}

/// The channel with this id or name.
pub(super) async fn find(app: &App, name: &str) -> Result<Channel> {
    Ok(app.org.channel_fetch(name).await?)
}

async fn respond(app: &App, name: &str) -> Result<Tagged<ChannelResponse>> {
    let channel = find(app, name).await?;
    Ok(Tagged(channel.version, channel.into()))
}

fn refuse_environment(channel: &Channel) -> Result<()> {
    if channel.from_environment {
        let why = "the notifier's environment sets this channel up; change it there";
        return Err(Error::Conflict { what: why.into() });
    }
    Ok(())
}

fn spec(request: &ChannelRequest, stored: &Values) -> Result<ChannelSpec> {
    let kind: ChannelKind = request.kind.parse().map_err(|error| Error::invalid("type", error))?;
    if kind.of_environment_only() {
        let why = "only the notifier's environment sets up such a channel";
        return Err(Error::invalid("type", why));
    }
    let settings = check::settings(kind, &request.settings)?;
    let secrets = match &request.secrets {
        None => stored.clone(),
        Some(given) => check::secrets(kind, given, stored)?,
    };
    check::complete(kind, &settings, &secrets)?;
    let name = check::name(&request.name)?;
    Ok(ChannelSpec { name, kind, settings, secrets, enabled: request.enabled })
}
