//! An `api` in this process, and a client that calls it without a network.

use axum::{
    Router,
    body::{Body, to_bytes},
    response::Response,
};
use hoop_domain::{AgentId, GroupName, Role, Secret, SessionId};
use hoop_runtime::{Drain, Env, shutdown::DrainHandle};
use hoop_store::{Store, user::UserSpec};
use hoop_testkit::Nats;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{App, Config, auth::token, router};

pub(super) struct World {
    pub(super) app: App,
    pub(super) nats: Nats,
    pub(super) database: String,
    router: Router,
    drain: DrainHandle,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) kind: String,
    pub(super) bytes: Vec<u8>,
    pub(super) body: Value,
}

/// The name of the database that a URI leads to.
fn name_of(uri: &str) -> &str {
    let path = uri.rsplit('/').next().unwrap_or_default();
    path.split('?').next().unwrap_or_default()
}

impl Drop for World {
    fn drop(&mut self) {
        self.drain.begin();
    }
}

/// An `api` with these settings beside, or instead of, the usual ones.
async fn start(nats: &Nats, database: &str, settings: &[(&str, &str)]) -> (App, DrainHandle) {
    let url = nats.url();
    let usual = [
        ("API_LISTEN", "127.0.0.1:0"),
        ("API_URL", "http://gateway.example.com:8009"),
        ("SECRETS_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("ADMIN_EMAIL", "root@example.com"),
        ("ADMIN_PASSWORD", "correct horse"),
        ("GRPC_URL", "grpcs://gateway.example.com:8443"),
        ("NATIVE_PG_ADDRESS", "gateway.example.com:15432"),
        ("POSTGRES_DB_URI", database),
        ("NATS_URL", &url),
    ];
    let env = Env::from_pairs(usual.iter().chain(settings).copied()).unwrap();
    let service = Box::pin(Config::from_env(&env).unwrap().build()).await.unwrap();
    let app = service.app().clone();
    let (handle, drain) = Drain::new();
    // Questions over the bus are answered as long as the world lasts.
    tokio::spawn(service.run(drain));
    (app, handle)
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With these settings beside, or instead of, the usual ones.
    pub(super) async fn with(settings: &[(&str, &str)]) -> Self {
        let (postgres, nats) =
            (hoop_testkit::postgres().await.unwrap(), hoop_testkit::nats().await.unwrap());
        postgres
            .template("migrated_for_the_api", async |uri| {
                let store = Store::connect(&uri).await?;
                store.migrate().await?;
                store.close().await;
                // As if writers were always there.
                postgres
                    .run(name_of(&uri), "update partition_leases set seen_at = 'infinity'")
                    .await?;
                Ok(())
            })
            .await
            .unwrap();
        let database = postgres.create_database_from("migrated_for_the_api").await.unwrap();
        let (app, drain) = start(&nats, &database, settings).await;
        Self { router: router::router(app.clone()), app, nats, database, drain }
    }

    /// Another process in the place of this one, with the same state and these settings.
    pub(super) async fn restart(&mut self, settings: &[(&str, &str)]) {
        self.drain.begin();
        (self.app, self.drain) = start(&self.nats, &self.database, settings).await;
        self.router = router::router(self.app.clone());
    }

    /// What the state store answers.
    pub(super) async fn sql(&self, sql: &str) -> String {
        let postgres = hoop_testkit::postgres().await.unwrap();
        postgres.run(name_of(&self.database), sql).await.unwrap()
    }

    /// The answer to a request that a test has put together.
    pub(super) async fn answer(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// A user in these groups, and a token of theirs.
    pub(super) async fn user(&self, email: &str, groups: &[&str]) -> String {
        let groups: Vec<GroupName> = groups.iter().map(|name| name.parse().unwrap()).collect();
        let spec = UserSpec {
            email: email.into(),
            name: email.into(),
            active: true,
            groups,
            password_hash: None::<Secret<String>>,
        };
        let user = self.app.org.user_create(&spec).await.unwrap();
        self.token_of(&user.id.to_string()).await
    }

    pub(super) async fn token_of(&self, user: &str) -> String {
        let user = self.app.org.user_fetch(user).await.unwrap();
        let token = token::generate(token::Kind::Person).unwrap();
        self.app.org.token_create(user.id, "test", &token::digest(&token), None).await.unwrap();
        token
    }

    /// A token of the first user, who is an administrator.
    pub(super) async fn root(&self) -> String {
        self.token_of("root@example.com").await
    }

    /// A token of somebody with this role.
    pub(super) async fn somebody(&self, role: Role) -> String {
        let group = match role {
            Role::Standard => "everybody",
            Role::Auditor => Role::AUDITOR_GROUP,
            Role::Admin => Role::ADMIN_GROUP,
        };
        self.user(&format!("{}@example.com", role.as_str()), &[group]).await
    }

    /// The agent `dev` and the connection `pg`, open to group `dba`.
    pub(super) async fn pg(&self) -> AgentId {
        let root = self.root().await;
        let agent = self.post(&root, "/api/agents", json!({ "name": "dev" })).await;
        assert_eq!(agent.status, 201, "{agent:?}");
        let made = self.post(&root, "/api/connections", pg_body("pg")).await;
        assert_eq!(made.status, 201, "{made:?}");
        agent.body["id"].as_str().unwrap().parse().unwrap()
    }

    pub(super) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(Method::GET, token, path, Value::Null).await
    }

    pub(super) async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(Method::POST, token, path, body).await
    }

    pub(super) async fn put(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, token, path, body).await
    }

    pub(super) async fn patch(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, token, path, body).await
    }

    pub(super) async fn delete(&self, token: &str, path: &str) -> Answer {
        self.call(Method::DELETE, token, path, Value::Null).await
    }

    /// The body of a good answer, as it comes; `after` is the last event that was seen.
    pub(super) async fn stream(&self, token: &str, path: &str, after: &str) -> Body {
        let response = self.asked(token, path, after).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body()
    }

    /// An answer that is not read yet.
    pub(super) async fn asked(&self, token: &str, path: &str, after: &str) -> Response {
        let bearer = format!("Bearer {token}");
        let mut request = Request::get(path).header(header::AUTHORIZATION, bearer);
        if !after.is_empty() {
            request = request.header("last-event-id", after);
        }
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// An empty token signs nobody in, a null body is none.
    pub(super) async fn call(
        &self,
        method: Method,
        token: &str,
        path: &str,
        body: Value,
    ) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, token, path, text).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        token: &str,
        path: &str,
        body: String,
    ) -> Answer {
        send_to(&self.router, method, token, path, body).await
    }
}

/// The answer of `router`. An empty token signs nobody in, an empty body is none.
pub(super) async fn send_to(
    router: &Router,
    method: Method,
    token: &str,
    path: &str,
    body: String,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.body(Body::from(body)).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or_else(String::new, |kind| kind.to_str().unwrap().into());
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status, kind, bytes, body }
}

impl Answer {
    /// Asserts that it is this problem.
    pub(super) fn is_problem(&self, status: u16, message: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.kind, "application/problem+json");
        assert_eq!(self.body["message"], message);
        assert_eq!(self.body["detail"], message);
        assert_eq!(self.body["status"], status);
    }
}

/// A body that makes the connection `name` with the secret `hunter2`.
pub(super) fn pg_body(name: &str) -> Value {
    json!({
        "name": name,
        "type": "database",
        "subtype": "postgres",
        "agent_id": "dev",
        "secret": {
            "envvar:HOST": "MTI3LjAuMC4x",
            "envvar:USER": "YXBw",
            "envvar:PASS": "aHVudGVyMg==",
        },
        "access_groups": ["dba"],
    })
}

pub(super) fn session_id(bytes: &[u8]) -> SessionId {
    SessionId::try_from(bytes).unwrap()
}
