//! The one table of routes: method, path, who may call it, whether it is audited.
//!
//! Routing, the guard, the role test and the OpenAPI test all derive from [`ROUTES`].

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};
use hoop_domain::Role;
use http::{HeaderName, HeaderValue, Method, header};
use tower_http::{
    catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer, trace::TraceLayer,
};

use crate::{App, Error, client, guard, routes::*, ui};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Everybody who is signed in; the handler shows people only what is theirs.
    SignedIn,
    /// Those with this role or a stronger one.
    AtLeast(Role),
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: &'static Method,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Whether calls are written to the audit log: all that change something or sign somebody
    /// in, and downloads.
    pub audited: bool,
    handler: fn() -> MethodRouter<App>,
}

/// The largest body that is read.
const LARGEST_BODY: usize = 1024 * 1024;

/// What a browser may do with an answer of the API, which is data: nothing. No other site is
/// told that it may read one (CORS is off), nor may it show one.
const POLICY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const SAME_ORIGIN: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const PUBLIC: Access = Access::Public;
const SIGNED: Access = Access::SignedIn;
const AUDITOR: Access = Access::AtLeast(Role::Auditor);
const ADMIN: Access = Access::AtLeast(Role::Admin);

macro_rules! routes {
    ($($method:ident $path:literal $access:ident $(+ $audited:ident)? => $handler:path;)*) => {
        &[$(Route {
            method: &Method::$method,
            path: $path,
            access: $access,
            audited: routes!(@ $($audited)?),
            handler: || on(MethodFilter::$method, $handler),
        }),*]
    };
    (@ audited) => { true };
    (@) => { false };
}

/// Every route.
pub const ROUTES: &[Route] = routes! {
    GET    "/api/healthz"                                   PUBLIC => health::healthz;
    GET    "/api/openapi.json"                              PUBLIC => crate::openapi::document;
    GET    "/api/login"                                     PUBLIC => login::begin::begin;
    POST   "/api/login"                                     PUBLIC + audited => login::login;
    POST   "/api/login/form"                                PUBLIC + audited => login::form::submit;
    GET    "/api/callback"                                  PUBLIC + audited => login::callback::callback;
    POST   "/api/login/device/begin"                        PUBLIC => login::handover::begin;
    GET    "/api/login/device"                              PUBLIC => login::handover::show;
    POST   "/api/login/device"                              SIGNED + audited => login::handover::answer;
    POST   "/api/login/device/token"                        PUBLIC => login::handover::take;
    POST   "/api/logout"                                    SIGNED + audited => login::begin::end;
    GET    "/api/publicserverinfo"                          PUBLIC => server_info::public;
    GET    "/api/serverinfo"                                SIGNED => server_info::show;
    POST   "/api/localauth/login"                           PUBLIC + audited => login::local_login;
    GET    "/api/userinfo"                                  SIGNED => userinfo::show;
    GET    "/api/users"                                     AUDITOR => users::list;
    POST   "/api/users"                                     ADMIN + audited => users::create;
    GET    "/api/users/groups"                              SIGNED => groups::list;
    POST   "/api/users/groups"                              ADMIN + audited => groups::create;
    DELETE "/api/users/groups/{name}"                       ADMIN + audited => groups::delete;
    GET    "/api/users/{id}"                                SIGNED => users::show;
    PUT    "/api/users/{id}"                                ADMIN + audited => users::update;
    DELETE "/api/users/{id}"                                ADMIN + audited => users::delete;
    GET    "/api/users/{id}/tokens"                         SIGNED => tokens::list;
    DELETE "/api/users/{id}/tokens/{token}"                 SIGNED + audited => tokens::revoke;
    POST   "/api/users/{id}/tokens"                         SIGNED + audited => tokens::create;
    GET    "/api/agents"                                    AUDITOR => agents::list;
    POST   "/api/agents"                                    ADMIN + audited => agents::create;
    GET    "/api/agents/{name}"                             AUDITOR => agents::show;
    DELETE "/api/agents/{name}"                             ADMIN + audited => agents::revoke;
    GET    "/api/connections"                               SIGNED => connections::list;
    POST   "/api/connections"                               ADMIN + audited => connections::create;
    GET    "/api/connections/{name}"                        SIGNED => connections::show;
    PUT    "/api/connections/{name}"                        ADMIN + audited => connections::update;
    PATCH  "/api/connections/{name}"                        ADMIN + audited => connections::patch;
    DELETE "/api/connections/{name}"                        ADMIN + audited => connections::delete;
    POST   "/api/connections/{name}/credentials"            SIGNED + audited => credentials::create;
    POST   "/api/connections/{name}/credentials/{id}/revoke" SIGNED + audited => credentials::revoke;
    GET    "/api/credentials"                               SIGNED => credentials::list;
    GET    "/api/sessions"                                  SIGNED => sessions::list;
    GET    "/api/sessions/{id}"                             SIGNED => sessions::show;
    DELETE "/api/sessions/{id}"                             SIGNED + audited => sessions::delete;
    POST   "/api/sessions/{id}/kill"                        SIGNED + audited => sessions::kill;
    PUT    "/api/sessions/{id}/review"                      SIGNED + audited => reviews::update_of_session;
    PATCH  "/api/sessions/{id}/metadata"                    SIGNED + audited => sessions::metadata::change;
    GET    "/api/sessions/{id}/status"                      SIGNED => sessions::status;
    GET    "/api/sessions/{id}/packets"                     SIGNED => packets::list;
    GET    "/api/sessions/{id}/statements"                  SIGNED => statements::list;
    GET    "/api/sessions/{id}/tail"                        SIGNED + audited => tail::stream;
    GET    "/api/sessions/{id}/download"                    SIGNED + audited => download::stream;
    GET    "/api/sessions/{id}/evidence"                    SIGNED + audited => evidence::stream;
    GET    "/api/audit/manifests"                           AUDITOR => manifests::list;
    GET    "/api/audit/checkpoints"                         AUDITOR => checkpoints::list;
    GET    "/api/plugins/audit/sessions"                    SIGNED => sessions::audit_list;
    GET    "/api/plugins/audit/sessions/{id}"               SIGNED => sessions::audit_show;
    GET    "/api/plugins/audit/sessions/{id}/status"        SIGNED => sessions::audit_status;
    GET    "/api/notifications/channels"                    ADMIN => notifications::channels::list;
    POST   "/api/notifications/channels"                    ADMIN + audited => notifications::channels::create;
    GET    "/api/notifications/channels/{name}"             ADMIN => notifications::channels::show;
    PUT    "/api/notifications/channels/{name}"             ADMIN + audited => notifications::channels::update;
    DELETE "/api/notifications/channels/{name}"             ADMIN + audited => notifications::channels::delete;
    POST   "/api/notifications/channels/{name}/redrive"     ADMIN + audited => notifications::channels::redrive;
    POST   "/api/notifications/channels/{name}/test"        ADMIN + audited => notifications::trial::create;
    GET    "/api/notifications/subscriptions"               ADMIN => notifications::subscriptions::list;
    POST   "/api/notifications/subscriptions"               ADMIN + audited => notifications::subscriptions::create;
    GET    "/api/notifications/subscriptions/{name}"        ADMIN => notifications::subscriptions::show;
    PUT    "/api/notifications/subscriptions/{name}"        ADMIN + audited => notifications::subscriptions::update;
    DELETE "/api/notifications/subscriptions/{name}"        ADMIN + audited => notifications::subscriptions::delete;
    GET    "/api/notifications/deliveries"                  AUDITOR => notifications::deliveries::list;
    POST   "/api/notifications/deliveries/{id}/redrive"     ADMIN + audited => notifications::deliveries::redrive;
    GET    "/api/secrets/rotation"                          ADMIN => secrets::show;
    POST   "/api/secrets/rotation"                          ADMIN + audited => secrets::rotate;
    GET    "/api/api-keys"                                  ADMIN => api_keys::list;
    POST   "/api/api-keys"                                  ADMIN + audited => api_keys::create;
    GET    "/api/api-keys/{name}"                           ADMIN => api_keys::show;
    PUT    "/api/api-keys/{name}"                           ADMIN + audited => api_keys::update;
    DELETE "/api/api-keys/{name}"                           ADMIN + audited => api_keys::revoke;
    POST   "/api/api-keys/{name}/reactivate"                ADMIN + audited => api_keys::reactivate;
    GET    "/api/serviceaccounts"                           ADMIN => service_accounts::list;
    POST   "/api/serviceaccounts"                           ADMIN + audited => service_accounts::create;
    GET    "/api/serviceaccounts/{subject}"                 ADMIN => service_accounts::show;
    PUT    "/api/serviceaccounts/{subject}"                 ADMIN + audited => service_accounts::update;
    DELETE "/api/serviceaccounts/{subject}"                 ADMIN + audited => service_accounts::delete;
    GET    "/api/audit/logs"                                AUDITOR => audit_logs::list;
    GET    "/api/audit/logs/end"                            AUDITOR => audit_logs::end;
    GET    "/api/audit/logs/heads"                          AUDITOR => audit_logs::heads;
    POST   "/api/localauth/register"                        PUBLIC + audited => register::create;
    PUT    "/api/users/{id}/password"                       SIGNED + audited => passwords::change;
    GET    "/api/users/{id}/totp"                           SIGNED => totp::show;
    POST   "/api/users/{id}/totp"                           SIGNED + audited => totp::enrol;
    DELETE "/api/users/{id}/totp"                           ADMIN + audited => totp::reset;
    POST   "/api/users/{id}/totp/confirm"                   SIGNED + audited => totp::confirm;
    POST   "/api/users/{id}/totp/disable"                   SIGNED + audited => totp::disable;
    GET    "/api/search"                                    SIGNED => search::search;
    POST   "/api/connections/{name}/test"                   SIGNED + audited => connections::trial::create;
    POST   "/api/sessions"                                  SIGNED + audited => sessions::run::run;
    GET    "/api/reviews"                                   SIGNED => reviews::list;
    GET    "/api/reviews/{id}"                              SIGNED => reviews::show;
    PUT    "/api/reviews/{id}"                              SIGNED + audited => reviews::update;
    GET    "/api/jits"                                      SIGNED => jits::list;
    GET    "/api/jits/{id}"                                 SIGNED => jits::show;
    PUT    "/api/jits/{id}"                                 SIGNED + audited => jits::update;
    GET    "/api/plugins"                                   AUDITOR => plugins::list;
    POST   "/api/plugins"                                   ADMIN + audited => plugins::create;
    GET    "/api/plugins/{name}"                            AUDITOR => plugins::show;
    PUT    "/api/plugins/{name}"                            ADMIN + audited => plugins::update;
    PUT    "/api/plugins/{name}/config"                     ADMIN + audited => plugins::configure;
    GET    "/api/plugins/{name}/conn/{id}"                  AUDITOR => plugins::connection::show;
    PUT    "/api/plugins/{name}/conn/{id}"                  ADMIN + audited => plugins::connection::update;
    DELETE "/api/plugins/{name}/conn/{id}"                  ADMIN + audited => plugins::connection::delete;
    GET    "/api/plugins/runbooks/connections/{name}/templates" SIGNED => runbooks::list;
    POST   "/api/plugins/runbooks/connections/{name}/exec"  SIGNED + audited => runbooks::run;
    GET    "/api/saml/metadata"                             PUBLIC => login::saml::metadata;
    GET    "/api/saml/login"                                PUBLIC => login::saml::begin;
    POST   "/api/saml/callback"                             PUBLIC + audited => login::saml::answer;
    GET    "/api/saml/callback"                             PUBLIC + audited => login::saml::arrive;
};

/// The whole HTTP service.
pub(crate) fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let rule = guard::Rule {
            app: app.clone(),
            access: route.access,
            audited: route.audited,
            route: route.path,
        };
        let guarded = (route.handler)().layer(middleware::from_fn_with_state(rule, guard::guard));
        router = router.route(route.path, guarded);
    }
    router
        .fallback(ui::answer)
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CatchPanicLayer::custom(|_| {
            use axum::response::IntoResponse;
            Error::internal("a handler panicked").into_response()
        }))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(SAME_ORIGIN, "same-origin"))
        .layer(TraceLayer::new_for_http())
        .layer(middleware::from_fn_with_state(app.clone(), client::find))
        .with_state(app)
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
