//! A person signs in for a program: the command line shows a code and opens a page, the person
//! agrees there, and the program takes its token. No token and no secret is ever in a URL.
//!
//! After RFC 8628, with a challenge as in RFC 7636: who has overheard the code can't have the
//! token.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hoop_store::sign_in::{Answer, NewHandover};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{LoginResponse, login_token, page};
use crate::{
    App, Error,
    auth::{self, Actor, Peer, With, browser, token},
    error::{Problem, Result},
    extract::{Body, FormBody, Params},
};

/// How long a program waits, in seconds.
const WAITS: i64 = 600;

/// How often it may ask, in seconds.
const INTERVAL: u32 = 2;

/// Letters that make no words and look like no others.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A program that wants to act for somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceRequest {
    /// SHA-256 of a secret of the program's own, in base64url.
    challenge: String,
    /// Where it waits for the browser, when that is on the same machine.
    port: Option<u16>,
}

/// What the program shows, and what it asks with.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceResponse {
    /// To ask with, beside the secret.
    device_code: String,
    /// To be compared by the person.
    user_code: String,
    /// Where the person types it.
    verification_uri: String,
    /// The same, with the code.
    verification_uri_complete: String,
    /// How long it is good for, in seconds.
    expires_in: i64,
    /// How long to wait between questions, in seconds.
    interval: u32,
}

/// Begins a login of a program that a person has to agree to in a browser.
#[utoipa::path(post, path = "/api/login/device/begin", tag = "login",
    request_body = DeviceRequest, responses(
        (status = 200, body = DeviceResponse), (status = 422, body = Problem)))]
pub(crate) async fn begin(
    State(app): State<App>,
    Peer(client): Peer,
    Body(request): Body<DeviceRequest>,
) -> Result<Json<DeviceResponse>> {
    let challenge = URL_SAFE_NO_PAD.decode(&request.challenge).ok();
    let challenge = challenge.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let challenge =
        challenge.ok_or_else(|| Error::invalid("challenge", "must be 32 bytes in base64url"))?;
    if request.port == Some(0) {
        return Err(Error::invalid("port", "must be 1 to 65535"));
    }
    let user_code = user_code()?;
    let new = NewHandover {
        user_code: &user_code,
        challenge,
        port: request.port,
        client: &client,
        expires_at: app.now() + chrono::TimeDelta::seconds(WAITS),
    };
    let id = app.org.handover_begin(&new).await?;
    let path = "/api/login/device";
    let public = app.config.public_url.as_ref();
    let verification_uri = public.map_or_else(|| path.to_owned(), |public| public.at(path));
    Ok(Json(DeviceResponse {
        device_code: id.to_string(),
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        verification_uri,
        user_code,
        expires_in: WAITS,
        interval: INTERVAL,
    }))
}

fn user_code() -> Result<String> {
    let letter = |byte: u8| LETTERS.get(usize::from(byte % 20)).copied().map_or('_', char::from);
    let letters = token::random::<8>()?.map(letter);
    let (first, second) = letters.split_at(4);
    Ok(first.iter().chain(&['-']).chain(second).collect())
}

/// The code that a terminal shows.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// As it is shown; capitals and the dash don't matter.
    user_code: Option<String>,
}

/// Shows a person which program wants to act for them, once they are signed in.
#[utoipa::path(get, path = "/api/login/device", tag = "login", params(PageQuery), responses(
    (status = 200, description = "a page that asks"),
    (status = 303, description = "to where the person signs in first"),
    (status = 404, description = "no program waits with this code, as a page")))]
pub(crate) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Params(query): Params<PageQuery>,
) -> Result<Response> {
    let Some(code) = query.user_code.map(|code| normal(&code)) else {
        return Ok(page::ask_for_code().into_response());
    };
    let actor = match auth::actor(&app, &http::Method::GET, &headers).await {
        Ok((actor, _)) => actor,
        Err(Error::Unauthenticated) => {
            let here = format!("/api/login/device?user_code={}", page::encoded(&code));
            let to = format!("/api/login?redirect={}", page::encoded(&here));
            return Ok(Redirect::to(&to).into_response());
        }
        Err(error) => return Err(error),
    };
    Ok(match app.org.handover_fetch(&code, app.now()).await {
        Ok(found) => {
            page::hand_over(&code, &found.client, &actor.email, found.port).into_response()
        }
        Err(hoop_store::Error::NotFound { .. }) => nobody_waits(),
        Err(error) => return Err(error.into()),
    })
}

fn nobody_waits() -> Response {
    let why = "no command line waits with this code any more; run hoop login again";
    (StatusCode::NOT_FOUND, page::failed(why)).into_response()
}

fn normal(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphabetic).take(8);
    let mut normal: String = letters.map(|c| c.to_ascii_uppercase()).collect();
    if 4 < normal.len() {
        normal.insert(4, '-');
    }
    normal
}

/// A person's word.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerForm {
    /// The code on both screens.
    user_code: String,
    /// `allow` or `deny`.
    answer: String,
}

/// Lets a program act for the person who is signed in, or not.
#[utoipa::path(post, path = "/api/login/device", tag = "login",
    request_body(content = AnswerForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "a page that says so"),
        (status = 303, description = "to where the program waits on this machine"),
        (status = 404, description = "no program waits with this code, as a page")))]
pub(crate) async fn answer(
    State(app): State<App>,
    _: Actor,
    With(token): With,
    headers: HeaderMap,
    FormBody(form): FormBody<AnswerForm>,
) -> Result<Response> {
    // Even of who shows a token instead of a cookie: this is for people at a page of ours.
    browser::from_our_page(&app, &headers)?;
    let code = normal(&form.user_code);
    let allowed = match form.answer.as_str() {
        "allow" => true,
        "deny" => false,
        _ => return Err(Error::invalid("answer", "must be allow or deny")),
    };
    let token = match (allowed, token) {
        (true, None) => return Err(Error::Forbidden),
        (true, token) => token,
        (false, _) => None,
    };
    let port = match app.org.handover_fetch(&code, app.now()).await {
        Ok(found) => found.port,
        Err(hoop_store::Error::NotFound { .. }) => return Ok(nobody_waits()),
        Err(error) => return Err(error.into()),
    };
    app.org.handover_answer(&code, token, app.now()).await?;
    Ok(match port {
        Some(port) => Redirect::to(&format!("http://127.0.0.1:{port}/callback")).into_response(),
        None if allowed => page::done("Your terminal goes on; close this page.").into_response(),
        None => page::done("Nobody is signed in by that; close this page.").into_response(),
    })
}

/// A program that asks whether somebody has agreed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeRequest {
    /// As it was given.
    device_code: String,
    /// The secret whose digest was the challenge, in base64url.
    verifier: String,
}

/// Not yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pending {
    /// `pending`.
    status: &'static str,
}

/// Gives a program its token once a person has agreed.
#[utoipa::path(post, path = "/api/login/device/token", tag = "login",
    request_body = TakeRequest, responses(
        (status = 200, body = LoginResponse),
        (status = 202, description = "nobody has agreed yet", body = Pending),
        (status = 403, description = "the person said no", body = Problem),
        (status = 404, description = "too late, or not yours", body = Problem)))]
pub(crate) async fn take(
    State(app): State<App>,
    Body(request): Body<TakeRequest>,
) -> Result<Response> {
    let gone = || Error::NotFound { what: "login; begin again" };
    let id: Uuid = request.device_code.parse().map_err(|_| gone())?;
    let verifier = URL_SAFE_NO_PAD.decode(&request.verifier).map_err(|_| gone())?;
    let challenge = token::digest_of(&verifier);
    Ok(match app.org.handover_take(id, &challenge, app.now()).await? {
        Answer::Pending => {
            (StatusCode::ACCEPTED, Json(Pending { status: "pending" })).into_response()
        }
        Answer::Denied => {
            return Err(Error::NotSignedIn { why: "you denied it in the browser".into() });
        }
        Answer::Agreed(user, parent, ends_at) => {
            let (token, expires_at) = login_token(&app, user, Some(parent), ends_at).await?;
            Json(LoginResponse { status: "ok", token, expires_at }).into_response()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_easy_to_type() {
        let code = user_code().unwrap();
        assert_eq!(code.len(), 9);
        assert_eq!(normal(&code.to_lowercase().replace('-', "")), code);
        assert_eq!(normal("bc df-ghjk!"), "BCDF-GHJK");
        assert_eq!(normal("b"), "B");
    }
}
