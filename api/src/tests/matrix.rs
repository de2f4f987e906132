//! The table of routes against everything that derives from it. A route that was forgotten
//! somewhere is found here.

use std::collections::BTreeSet;

use axum::body::Body;
use hoop_domain::Role;
use http::{Method, Request, header};
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::{
    cookies::{HOME, browser, with_tls},
    world::World,
};
use crate::{
    openapi::Document,
    router::{Access, ROUTES, Route},
};

/// The route's path with parameters that name nothing.
pub(super) fn path(route: &Route) -> String {
    let segments = route.path.split('/');
    let named = segments.map(|part| if part.starts_with('{') { "nothing" } else { part });
    named.collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_is_documented_and_nothing_else_is() {
    let document = serde_json::to_value(Document::openapi()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            documented.insert((method.to_uppercase(), path.clone()));
        }
    }
    let routed: BTreeSet<_> =
        ROUTES.iter().map(|route| (route.method.to_string(), route.path.to_owned())).collect();
    assert_eq!(documented, routed);
    assert_eq!(routed.len(), ROUTES.len(), "a route is in the table twice");
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[test]
fn operations_have_names_and_say_who_may_call_them() {
    let document = serde_json::to_value(Document::openapi()).unwrap();
    let mut names = BTreeSet::new();
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()));
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{}", route.path);
        let open = operation["security"] == json!([]);
        assert_eq!(open, route.access == Access::Public, "{}", route.path);
    }
}

#[test]
fn whatever_changes_something_is_audited_and_not_public() {
    for route in ROUTES.iter().filter(|route| route.method != "GET") {
        let login = route.path.starts_with("/api/login")
            || ["/login", "/register", "/saml/callback"]
                .iter()
                .any(|end| route.path.ends_with(end));
        assert!(route.audited || login, "{} {}", route.method, route.path);
        assert!(route.access != Access::Public || login, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn every_route_lets_in_exactly_the_roles_of_the_table() {
    let world = World::new().await;
    let tokens = [
        (None, String::new()),
        (Some(Role::Standard), world.somebody(Role::Standard).await),
        (Some(Role::Auditor), world.somebody(Role::Auditor).await),
        (Some(Role::Admin), world.somebody(Role::Admin).await),
    ];
    for route in ROUTES {
        for (role, token) in &tokens {
            // Signing out ends the token.
            let own = match role {
                Some(role) if route.path == "/api/logout" => {
                    world.token_of(&format!("{}@example.com", role.as_str())).await
                }
                _ => token.clone(),
            };
            let token = &own;
            let answer = world.call(route.method.clone(), token, &path(route), json!({})).await;
            let expect = match (route.access, role) {
                (Access::Public, _) => None,
                (_, None) => Some(401),
                (Access::SignedIn, Some(_)) => None,
                (Access::AtLeast(least), Some(role)) => (*role < least).then_some(403),
            };
            let refused = [401, 403].into_iter().find(|status| answer.status == *status);
            // A login that is refused is a public route that works.
            assert_eq!(refused, expect, "{} {} as {role:?}", route.method, route.path);
            assert_ne!(answer.status, 500, "{} {} as {role:?}", route.method, route.path);
        }
    }
}

/// What a browser says of a page that is not ours, and of none.
const FOREIGN: [Option<(&str, &str)>; 3] =
    [Some(("origin", "https://evil.example.com")), Some(("sec-fetch-site", "cross-site")), None];

#[tokio::test]
async fn no_page_of_another_site_changes_anything_in_a_browser_that_is_signed_in() {
    let world = with_tls().await;
    let cookie = browser(&world).await;
    let call = async |method: &Method, path: &str, page: Option<(&str, &str)>| {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some((name, value)) = page {
            request = request.header(name, value);
        }
        world.answer(request.body(Body::from("{}")).unwrap()).await.status().as_u16()
    };
    let ours = Some(("origin", HOME));
    let signed = ROUTES.iter().filter(|route| route.access != Access::Public);
    for route in signed.filter(|route| route.method != Method::GET) {
        let path = path(route);
        for page in FOREIGN {
            let status = call(route.method, &path, page).await;
            assert_eq!(status, 403, "{} {path} from {page:?}", route.method);
        }
        // An administrator's browser may do all of it, and signs out at the end.
        if route.path != "/api/logout" {
            let status = call(route.method, &path, ours).await;
            assert!(![401, 403].contains(&status), "{} {path}: {status}", route.method);
        }
    }
    assert_eq!(call(&Method::GET, "/api/userinfo", FOREIGN[0]).await, 200, "it was signed out");
    assert_eq!(call(&Method::POST, "/api/logout", ours).await, 204);
    assert_eq!(call(&Method::GET, "/api/userinfo", ours).await, 401);
}

#[tokio::test]
async fn every_audited_route_leaves_a_complete_line() {
    let world = World::new().await;
    for route in ROUTES {
        let (path, root) = (path(route), world.root().await);
        let before = world.app.org.audit_count(route.method.as_str(), &path).await.unwrap();
        world.call(route.method.clone(), &root, &path, json!({})).await;
        let after = world.app.org.audit_count(route.method.as_str(), &path).await.unwrap();
        let lines = i64::from(route.audited);
        assert_eq!(after, (before.0 + lines, before.1 + lines), "{} {path}", route.method);
    }
}

#[tokio::test]
async fn what_is_no_route_is_answered_in_json() {
    let world = World::new().await;
    world.get("", "/api/nothing").await.is_problem(404, "there is no such path");
    world.get("", "/nothing").await.is_problem(404, "there is no such path");
    let patch = world.call(Method::PATCH, "", "/api/users", Value::Null).await;
    patch.is_problem(405, "this path has no such method");
}

#[tokio::test]
async fn bodies_that_are_not_requests_are_refused_in_words() {
    let world = World::new().await;
    let root = world.root().await;
    let post =
        async |body: &str| world.send(Method::POST, &root, "/api/agents", body.to_owned()).await;
    post("{").await.is_problem(400, "the body is not valid JSON");
    post("").await.is_problem(400, "send the body as JSON, with 'content-type: application/json'");
    post("{}").await.is_problem(422, "name: is required");
    post(r#"{"name":"x","nmae":1}"#).await.is_problem(422, "nmae: is not a field of this request");
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(1024 * 1024));
    post(&long).await.is_problem(413, "the request body is larger than 1 MiB");
    let answer = world.get(&root, "/api/sessions?limit=many").await;
    assert_eq!(answer.body["field"], "limit");
}
