//! The OpenAPI 3.1 document, generated from the handlers.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components,
        path::Operation,
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
        health::healthz, document, login::login, login::local_login,
        userinfo::show, users::list, users::create, users::show, users::update, users::delete,
        groups::list, groups::create, groups::delete, tokens::create, tokens::list, tokens::revoke,
        agents::list, agents::create, agents::show, agents::revoke,
        connections::list, connections::create, connections::show, connections::update,
        connections::delete,
        credentials::create, credentials::list, credentials::revoke,
        sessions::list, sessions::show, sessions::status, sessions::delete, sessions::kill,
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
                if route.access == Access::Public {
                    operation.security = Some(Vec::new());
                }
            }
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
