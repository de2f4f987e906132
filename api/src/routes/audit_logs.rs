//! The audit log of this API, for people a page at a time, and as a whole for those who keep
//! or verify it.

mod body;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures_util::stream;
use hoop_store::audit_log::{Line, LineFilter};
use http::{HeaderValue, header};
use serde::Deserialize;

use crate::{
    App, Error,
    error::{Problem, Result, chain},
    extract::Params,
    paging,
};
use body::{AuditLog, AuditLogList, ChainEnd, SignedHeadList};

/// Lines that are read at a time for an export.
const PIECE: i64 = 500;

/// Which lines.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditLogQuery {
    /// The actor's e-mail address, name, subject or id.
    actor: Option<String>,
    /// What it was done to, such as `connections` or `authentication`.
    resource: Option<String>,
    /// What was done, such as `create`, `login` or `kill`.
    action: Option<String>,
    /// `success` or `failure`.
    outcome: Option<String>,
    /// Begun at this time (RFC 3339) or later.
    from: Option<DateTime<Utc>>,
    /// Begun before this time (RFC 3339).
    to: Option<DateTime<Utc>>,
    /// 1 to 100 lines; 20 when left out. Not for exports.
    limit: Option<usize>,
    /// `next_cursor` of the page before. Not for exports.
    cursor: Option<String>,
    /// `json`, or `jsonl` for all lines of the chain that match, in its order.
    format: Option<String>,
}

/// Lists who did what through this API, the newest first.
#[utoipa::path(get, path = "/api/audit/logs", tag = "audit", params(AuditLogQuery),
    responses((status = 200, content(
            (AuditLogList = "application/json"), (String = "application/x-ndjson"))),
        (status = 422, description = "a parameter makes no sense", body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Params(query): Params<AuditLogQuery>,
) -> Result<Response> {
    let filter = filter(&query)?;
    match query.format.as_deref() {
        None | Some("json") => {
            let (limit, cursor) = paging::page(query.limit, query.cursor.as_deref())?;
            let page = app.org.audit_list(&filter, cursor, limit).await?;
            Ok(Json(AuditLogList::new(page)).into_response())
        }
        Some("jsonl") if query.limit.is_some() || query.cursor.is_some() => {
            Err(Error::invalid("format", "jsonl has all lines; leave out limit and cursor"))
        }
        Some("jsonl") => Ok(export(app, filter)),
        Some(_) => Err(Error::invalid("format", "is json or jsonl")),
    }
}

/// Which signed ends.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HeadQuery {
    /// Those behind this position; from the first one when left out.
    after: Option<u64>,
    /// 1 to 1000 ends; 100 when left out.
    limit: Option<i64>,
}

/// Lists what the audit-writer signed of where the audit log ends, the oldest first.
#[utoipa::path(get, path = "/api/audit/logs/heads", tag = "audit", params(HeadQuery),
    responses((status = 200, body = SignedHeadList),
        (status = 422, description = "a parameter makes no sense", body = Problem)))]
pub(crate) async fn heads(
    State(app): State<App>,
    Params(query): Params<HeadQuery>,
) -> Result<Json<SignedHeadList>> {
    let limit = paging::batch(query.limit)?;
    let rows = app.org.audit_head_list(query.after.unwrap_or(0), limit + 1).await?;
    Ok(Json(SignedHeadList::new(rows, limit)))
}

/// Says where the chain of the audit log ends.
#[utoipa::path(get, path = "/api/audit/logs/end", tag = "audit",
    responses((status = 200, body = ChainEnd)))]
pub(crate) async fn end(State(app): State<App>) -> Result<Json<ChainEnd>> {
    let (position, digest) = app.org.audit_head().await?;
    Ok(Json(ChainEnd::new(position, &digest)))
}

fn filter(query: &AuditLogQuery) -> Result<LineFilter> {
    let succeeded = match query.outcome.as_deref() {
        None => None,
        Some("success") => Some(true),
        Some("failure") => Some(false),
        Some(_) => return Err(Error::invalid("outcome", "is success or failure")),
    };
    Ok(LineFilter {
        actor: query.actor.clone(),
        resource: query.resource.clone(),
        action: query.action.clone(),
        succeeded,
        from: query.from,
        until: query.to,
    })
}

/// All lines that match, a piece at a time, as fast as they are taken.
fn export(app: App, filter: LineFilter) -> Response {
    let pieces = stream::try_unfold((app, filter, 0), |(app, filter, after)| async move {
        let lines = app.org.audit_chain(&filter, after, PIECE).await.inspect_err(|error| {
            tracing::error!(cause = chain(error), "an export of the audit log broke off");
        })?;
        let Some(last) = lines.last().map(|line| line.line.position) else { return Ok(None) };
        Ok::<_, hoop_store::Error>(Some((text(lines), (app, filter, last))))
    });
    let kind = HeaderValue::from_static("application/x-ndjson");
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(pieces)).into_response()
}

fn text(lines: Vec<Line>) -> Bytes {
    let mut text = String::new();
    for line in lines {
        // What is made of texts and numbers alone can always be written.
        text.push_str(&serde_json::to_string(&AuditLog::from(line)).unwrap_or_default());
        text.push('\n');
    }
    text.into()
}
