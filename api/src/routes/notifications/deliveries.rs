//! The log of deliveries, and sending dead letters again.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use hoop_domain::DeliveryId;
use hoop_store::notification::{Delivery, DeliveryFilter};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App, Error,
    error::{Problem, Result},
    extract::{Named, Params},
    paging::page,
};

/// Which deliveries.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryQuery {
    /// `pending`, `delivered` or `dead`.
    status: Option<String>,
    /// The channel's name.
    channel: Option<String>,
    /// The event's id.
    event: Option<String>,
    /// The event's kind, such as `session.opened`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// 1 to 100 deliveries; 20 when left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    /// The newest first.
    data: Vec<DeliveryResponse>,
    /// Where the next page begins.
    next_cursor: Option<String>,
    /// Whether there is one.
    has_next_page: bool,
}

/// One event on its way to somebody, or what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryResponse {
    /// The id.
    id: String,
    /// The event's id.
    event: String,
    /// The event's kind.
    #[serde(rename = "type")]
    kind: String,
    /// When it happened.
    event_at: DateTime<Utc>,
    /// The event's fields.
    #[schema(value_type = Object)]
    data: serde_json::Value,
    /// The channel's name at that time.
    channel: String,
    /// The channel's id.
    channel_id: String,
    /// To whom; empty for webhooks.
    recipient: String,
    /// `pending`, `delivered` or `dead`.
    status: String,
    /// How often it was tried.
    attempts: i32,
    /// When it is tried next.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt came to nothing.
    last_error: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was delivered or given up.
    finished_at: Option<DateTime<Utc>>,
}

impl From<Delivery> for DeliveryResponse {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            event: delivery.event_id.to_string(),
            kind: delivery.kind,
            event_at: delivery.event_at,
            data: delivery.body,
            channel: delivery.channel_name,
            channel_id: delivery.channel_id.to_string(),
            recipient: delivery.recipient,
            next_attempt_at: (delivery.state == "pending").then_some(delivery.next_at),
            status: delivery.state,
            attempts: delivery.attempts,
            last_error: delivery.last_error,
            created_at: delivery.created_at,
            finished_at: delivery.finished_at,
        }
    }
}

/// Lists deliveries, the newest first.
#[utoipa::path(get, path = "/api/notifications/deliveries", tag = "notifications",
    params(DeliveryQuery), responses((status = 200, body = DeliveryList),
        (status = 422, description = "a filter makes no sense", body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Params(query): Params<DeliveryQuery>,
) -> Result<Json<DeliveryList>> {
    let (limit, cursor) = page(query.limit, query.cursor.as_deref())?;
    if let Some(status) = &query.status
        && !["pending", "delivered", "dead"].contains(&status.as_str())
    {
        return Err(Error::invalid("status", "is pending, delivered or dead"));
    }
    let event = match &query.event {
        None => None,
        Some(text) => Some(text.parse().map_err(|error| Error::invalid("event", error))?),
    };
    let filter =
        DeliveryFilter { state: query.status, channel: query.channel, event, kind: query.kind };
    let listed = app.org.delivery_list(&filter, cursor, limit).await?;
    Ok(Json(DeliveryList {
        has_next_page: listed.next.is_some(),
        next_cursor: listed.next.map(|cursor| cursor.to_string()),
        data: listed.rows.into_iter().map(DeliveryResponse::from).collect(),
    }))
}

/// Sends a dead letter again, as if it had never been tried.
#[utoipa::path(post, path = "/api/notifications/deliveries/{id}/redrive", tag = "notifications",
    params(("id" = String, Path, description = "the delivery's id")),
    responses((status = 202, description = "it will be sent"), (status = 404, body = Problem),
        (status = 409, description = "it is no dead letter", body = Problem)))]
pub(crate) async fn redrive(State(app): State<App>, Named(id): Named) -> Result<StatusCode> {
    let id: DeliveryId = id.parse().map_err(|_| Error::NotFound { what: "delivery" })?;
    app.org.delivery_redrive(id, app.now()).await?;
    Ok(StatusCode::ACCEPTED)
}
