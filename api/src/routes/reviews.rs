//! Requests for access: finding them, and saying yes or no.

mod body;

use axum::{Json, extract::State};
use hoop_domain::{ReviewId, ReviewKind, Role, SessionId};
use hoop_policy::review::{Refusal, Terms, Vote, Voter};
use hoop_store::review::{self, Person, Review, ReviewChange, ReviewFilter};

use crate::{
    App, Error,
    auth::Actor,
    control::kill_all,
    error::{Problem, Result},
    extract::{Body, Named, Params},
    paging::page,
    review::policy_review,
};

use body::Wish;
pub(crate) use body::{ReviewList, ReviewQuery, ReviewRequest, ReviewResponse};

/// Lists requests for access, the newest first: people see their own and those that they have a
/// say in, auditors and administrators all.
#[utoipa::path(get, path = "/api/reviews", tag = "reviews", params(ReviewQuery), responses(
    (status = 200, body = ReviewList),
    (status = 422, description = "a filter makes no sense", body = Problem)))]
pub(crate) async fn list(
    state: State<App>,
    actor: Actor,
    query: Params<ReviewQuery>,
) -> Result<Json<ReviewList>> {
    let kind = query.0.kind()?;
    list_of(&state.0, &actor, query.0, kind).await
}

/// Shows one request, with what would be run.
#[utoipa::path(get, path = "/api/reviews/{id}", tag = "reviews",
    params(("id" = String, Path, description = "the request's id")),
    responses((status = 200, body = ReviewResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    state: State<App>,
    actor: Actor,
    id: Named,
) -> Result<Json<ReviewResponse>> {
    Ok(Json(ReviewResponse::of(find(&state.0, &actor, &id.0, None).await?)))
}

/// Approves, rejects or revokes a request. A vote counts for one group of the one who votes, so
/// as many groups have to approve, as many people have to; nobody approves their own request.
#[utoipa::path(put, path = "/api/reviews/{id}", tag = "reviews",
    params(("id" = String, Path, description = "the request's id")),
    request_body = ReviewRequest,
    responses((status = 200, body = ReviewResponse), (status = 404, body = Problem),
        (status = 403, description = "it is not yours to decide", body = Problem),
        (status = 409, description = "it was decided before, or waited too long", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    state: State<App>,
    actor: Actor,
    id: Named,
    body: Body<ReviewRequest>,
) -> Result<Json<ReviewResponse>> {
    decide(&state.0, &actor, &id.0, &body.0, None).await
}

/// Decides about the request that a session stands on, as the route of that request does.
/// Revoking it ends the session.
#[utoipa::path(put, path = "/api/sessions/{id}/review", tag = "reviews",
    params(("id" = String, Path, description = "the session's id")),
    request_body = ReviewRequest,
    responses((status = 200, body = ReviewResponse), (status = 404, body = Problem),
        (status = 403, description = "it is not yours to decide", body = Problem),
        (status = 409, description = "it was decided before", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update_of_session(
    state: State<App>,
    actor: Actor,
    id: Named,
    body: Body<ReviewRequest>,
) -> Result<Json<ReviewResponse>> {
    let none = || Error::NotFound { what: "review" };
    let session: SessionId = id.0.parse().map_err(|_| none())?;
    // Who has a say in the request need not see the session, and hears of no other.
    let session = match state.0.org.session_fetch(session, None).await {
        Err(hoop_store::Error::NotFound { .. }) => return Err(none()),
        found => found?,
    };
    let review = session.review.ok_or_else(none)?.review.to_string();
    decide(&state.0, &actor, &review, &body.0, None).await
}

pub(super) async fn list_of(
    app: &App,
    actor: &Actor,
    query: ReviewQuery,
    kind: Option<ReviewKind>,
) -> Result<Json<ReviewList>> {
    let (limit, cursor) = page(query.limit, query.cursor.as_deref())?;
    let filter = ReviewFilter {
        status: query.status()?,
        user: query.user()?,
        connection: query.connection()?,
        ..visible(actor, kind)
    };
    let listed = app.org.review_list(&filter, cursor, limit).await?;
    Ok(Json(ReviewList::new(listed)))
}

/// The request `id`, if the actor may see it.
pub(super) async fn find(
    app: &App,
    actor: &Actor,
    id: &str,
    kind: Option<ReviewKind>,
) -> Result<Review> {
    let id: ReviewId = id.parse().map_err(|_| Error::NotFound { what: "review" })?;
    Ok(app.org.review_fetch(id, &visible(actor, kind)).await?)
}

fn visible(actor: &Actor, kind: Option<ReviewKind>) -> ReviewFilter {
    let own = || (actor.id, actor.groups.clone());
    let visible_to = (actor.role < Role::Auditor).then(own);
    ReviewFilter { visible_to, kind, ..ReviewFilter::default() }
}

/// Decides about a request, while nobody else does.
pub(super) async fn decide(
    app: &App,
    actor: &Actor,
    id: &str,
    request: &ReviewRequest,
    kind: Option<ReviewKind>,
) -> Result<Json<ReviewResponse>> {
    let wish = request.wish()?;
    let review = find(app, actor, id, kind).await?;
    let lock = app.org.review_lock(review.id).await?;
    let change = change(app, actor, &lock.review, request, wish)?;
    let kills = lock.save(&change).await?;
    kill_all(app, &kills).await;
    let review = app.org.review_fetch(review.id, &visible(actor, kind)).await?;
    tracing::info!(review = %review.id, status = review.status.as_str(), "somebody voted");
    Ok(Json(ReviewResponse::of(review)))
}

/// What becomes of the request, if the policy lets it.
fn change(
    app: &App,
    actor: &Actor,
    review: &Review,
    request: &ReviewRequest,
    wish: Wish,
) -> Result<ReviewChange> {
    let now = app.now();
    let voter = Voter { id: actor.id, groups: &actor.groups };
    let before = policy_review(review, app.config.review_pending);
    let before = before.ok_or_else(|| Error::internal("an approved review has no end"))?;
    let votes = before.votes.clone();
    let after = match wish {
        Wish::Approve { window, force } => before.approve(&voter, Terms { window, force }, now),
        Wish::Reject => before.reject(&voter, now),
        Wish::Revoke => before.revoke(&voter, now),
    };
    let after = after.map_err(refused)?;
    let by = Person { id: actor.id, email: actor.email.clone(), name: actor.name.clone() };
    let voted = votes.iter().zip(&after.votes).filter(|(before, after)| before != after);
    let votes = voted.map(|(_, after)| said(review, &by, after)).collect();
    let ends_at = match after.state {
        hoop_policy::review::State::Approved { until } => Some(until),
        _ => None,
    };
    Ok(ReviewChange {
        status: after.state.status(),
        by: Some(by),
        at: now,
        votes,
        window: after.window,
        ends_at,
        reason: request.reason()?,
    })
}

/// A vote as it is kept: of the one who votes now, or of somebody who speaks for another group.
fn said(review: &Review, voter: &Person, vote: &Vote) -> review::Vote {
    let said = vote.said.as_ref();
    let mut people = review.votes.iter().filter_map(|vote| vote.by.as_ref()).chain([voter]);
    review::Vote {
        group: vote.group.clone(),
        yes: said.map(|said| said.yes),
        by: said.and_then(|said| people.find(|person| person.id == said.by)).cloned(),
        at: said.map(|said| said.at),
        forced: said.is_some_and(|said| said.forced),
        groups: said.map(|said| said.groups.clone()).unwrap_or_default(),
    }
}

fn refused(refusal: Refusal) -> Error {
    let what = refusal.to_string();
    match refusal {
        Refusal::OwnRequest | Refusal::NoReviewer | Refusal::NoForce => Error::NotYours { what },
        Refusal::WrongState { .. } | Refusal::TooLate | Refusal::OtherWindow => {
            Error::Conflict { what }
        }
    }
}
