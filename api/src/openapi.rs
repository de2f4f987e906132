//! The OpenAPI 3.1 document, generated from the handlers.

mod headers;

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components, Content, Ref, RefOr, Response,
        path::{Operation, ParameterIn},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    router::{Access, ROUTES, Route},
    routes::*,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "hoop", description = "An access gateway for databases, servers and clusters"),
    paths(
        health::healthz, document, login::login, login::local_login, login::begin::begin,
        login::begin::end, login::callback::callback, login::form::submit,
        login::handover::begin, login::handover::show, login::handover::answer,
        login::handover::take, server_info::public, server_info::show,
        userinfo::show, users::list, users::create, users::show, users::update, users::delete,
        groups::list, groups::create, groups::delete, tokens::create, tokens::list, tokens::revoke,
        agents::list, agents::create, agents::show, agents::revoke,
        connections::list, connections::create, connections::show, connections::update,
        connections::patch, connections::delete,
        credentials::create, credentials::list, credentials::revoke,
        sessions::list, sessions::show, sessions::status, sessions::delete, sessions::kill,
        sessions::metadata::change,
        packets::list, statements::list, download::stream, tail::stream,
        checkpoints::list, evidence::stream, manifests::list,
        sessions::audit_list, sessions::audit_show, sessions::audit_status,
        notifications::channels::list, notifications::channels::create,
        notifications::channels::show, notifications::channels::update,
        notifications::channels::delete, notifications::channels::redrive,
        notifications::trial::create,
        notifications::subscriptions::list, notifications::subscriptions::create,
        notifications::subscriptions::show, notifications::subscriptions::update,
        notifications::subscriptions::delete,
        notifications::deliveries::list, notifications::deliveries::redrive,
        secrets::show, secrets::rotate,
        api_keys::list, api_keys::create, api_keys::show, api_keys::update, api_keys::revoke,
        api_keys::reactivate,
        service_accounts::list, service_accounts::create, service_accounts::show,
        service_accounts::update, service_accounts::delete,
        audit_logs::list, audit_logs::end, audit_logs::heads,
        register::create, passwords::change,
        totp::show, totp::enrol, totp::reset, totp::confirm, totp::disable,
        search::search, connections::trial::create, sessions::run::run,
        reviews::list, reviews::show, reviews::update, reviews::update_of_session,
        jits::list, jits::show, jits::update,
        plugins::list, plugins::create, plugins::show, plugins::update, plugins::configure,
        plugins::connection::show, plugins::connection::update, plugins::connection::delete,
        runbooks::list, runbooks::run,
        login::saml::metadata, login::saml::begin, login::saml::answer, login::saml::arrive,
    ),
    modifiers(&Table)
)]
pub(crate) struct Document;

/// What the table of routes says beside the handlers.
struct Table;

impl Modify for Table {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi
            .components
            .get_or_insert_with(Components::new)
            .add_security_scheme("bearer", scheme);
        let bearer = SecurityRequirement::new::<_, [String; 0], String>("bearer", []);
        openapi.security = Some(vec![bearer]);
        for route in ROUTES {
            if let Some(operation) = operation(openapi, route) {
                operation.operation_id = Some(name(route));
                headers::add(operation, route);
                refusals(operation, route);
                if route.access == Access::Public {
                    operation.security = Some(Vec::new());
                }
            }
        }
    }
}

/// Every way in which the routes of this table refuse, beside those of their handlers.
fn refusals(operation: &mut Operation, route: &Route) {
    let signed_in = route.access != Access::Public;
    let body = operation.request_body.is_some();
    let parameters = operation.parameters.iter().flatten();
    let (mut in_path, mut in_query) = (false, false);
    for parameter in parameters {
        let RefOr::T(parameter) = parameter else { continue };
        in_path |= parameter.parameter_in == ParameterIn::Path;
        in_query |= parameter.parameter_in == ParameterIn::Query;
    }
    let changes = !route.method.is_safe();
    let once = headers::may_be_sent_twice(route);
    let all = [
        (body || once, "400", "the body, or a header, is not what the route takes"),
        (signed_in, "401", "nobody is signed in"),
        (matches!(route.access, Access::AtLeast(_)) || signed_in && changes, "403", "not allowed"),
        (in_path, "404", "there is no such thing, or not for you"),
        (once, "409", "it was sent before with this idempotency-key, and has not ended"),
        (body, "408", "the body took too long"),
        (headers::has_versions(route), "412", "it was changed meanwhile"),
        (body, "413", "the body is too large"),
        (body || in_query || once, "422", "a field makes no sense"),
        (true, "429", "too many requests; see retry-after"),
        (true, "503", "the gateway can't answer at the moment"),
    ];
    for (_, status, why) in all.into_iter().filter(|(applies, ..)| *applies) {
        let known = &mut operation.responses.responses;
        known.entry(status.into()).or_insert_with(|| {
            let problem = Content::new(Some(Ref::from_schema_name("Problem")));
            let mut response = Response::new(why);
            response.content.insert("application/problem+json".into(), problem.into());
            response.into()
        });
    }
    for (status, response) in &mut operation.responses.responses {
        // Handlers name the type only; what it is sent as is one and the same.
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && let Some(content) = response.content.shift_remove("application/json")
        {
            response.content.insert("application/problem+json".into(), content);
        }
    }
}

fn operation<'a>(
    openapi: &'a mut utoipa::openapi::OpenApi,
    route: &Route,
) -> Option<&'a mut Operation> {
    let item = openapi.paths.paths.get_mut(route.path)?;
    let slot = match route.method.as_str() {
        "GET" => &mut item.get,
        "POST" => &mut item.post,
        "PUT" => &mut item.put,
        "PATCH" => &mut item.patch,
        _ => &mut item.delete,
    };
    slot.as_mut()
}

/// A name for generated clients: `get_sessions_id_status`.
fn name(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api/");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let method = route.method.as_str().to_lowercase();
    std::iter::once(method.as_str()).chain(words).collect::<Vec<_>>().join("_")
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "server",
    responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
