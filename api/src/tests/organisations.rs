//! Organisations are separate everywhere: one asks for all that another has, by name and by
//! id, at every route of the table, and gets nothing and changes nothing.

use axum::Router;
use hoop_proto::v1::{authorize_reply::Outcome, authorize_request::Proof};
use http::Method;
use serde_json::{Value, json};

use super::{
    authorize::{authorize, request},
    world::{Answer, World, pg_body, send_to, session_id},
};
use crate::{
    App,
    router::{self, ROUTES, Route},
};

/// In the name of everything that the other organisation has, and of nothing else.
const MARK: &str = "zebra";
const ANN: &str = "ann.zebra@example.com";
/// The connection that needs a review.
const HELD: &str = "zebra-held";

/// Another organisation, with a process that serves it.
struct Neighbour {
    router: Router,
    /// Of its administrator.
    token: String,
    /// How its things are called: names and ids.
    names: Vec<String>,
}

impl Neighbour {
    async fn new(world: &World) -> Self {
        let org = world.app.store.org_ensure(MARK).await.unwrap();
        let mut app = App::clone(&world.app);
        app.org = world.app.store.org(org);
        let token = {
            let spec = hoop_store::user::UserSpec {
                email: ANN.into(),
                name: "Ann zebra".into(),
                active: true,
                groups: vec!["admin".parse().unwrap(), MARK.parse().unwrap()],
                password_hash: None,
            };
            let user = app.org.user_create(&spec).await.unwrap();
            let token = crate::auth::token::generate(crate::auth::token::Kind::Person).unwrap();
            let digest = crate::auth::token::digest(&token);
            app.org.token_create(user.id, MARK, &digest, None).await.unwrap();
            token
        };
        let mut this = Self { router: router::router(app), token, names: Vec::new() };
        this.settle(world).await;
        this
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        send_to(&self.router, method, &self.token, path, text).await
    }

    /// Makes one of everything.
    async fn settle(&mut self, world: &World) {
        let mut connection = pg_body(MARK);
        connection["agent_id"] = json!(MARK);
        connection["access_groups"] = json!([MARK]);
        let mut held = connection.clone();
        held["name"] = json!(HELD);
        let plugin = json!({
            "name": "review", "connections": [{ "name": HELD, "config": [MARK] }],
        });
        let channel = json!({
            "name": MARK, "type": "smtp",
            "settings": { "host": "zebra.example.com", "from": "zebra@example.com" },
        });
        let subscription = json!({ "name": MARK, "channel": MARK, "events": ["session.*"],
            "recipients": ["zebra@example.com"] });
        for (path, body) in [
            ("/api/agents", json!({ "name": MARK })),
            ("/api/connections", connection),
            ("/api/connections", held),
            ("/api/plugins", plugin),
            ("/api/api-keys", json!({ "name": MARK, "groups": [MARK] })),
            ("/api/serviceaccounts", json!({ "subject": MARK, "name": MARK })),
            ("/api/notifications/channels", channel),
            ("/api/notifications/subscriptions", subscription),
            ("/api/connections/zebra/credentials", json!({})),
        ] {
            let made = self.send(Method::POST, path, body).await;
            assert_eq!(made.status, 201, "{path}: {made:?}");
            self.names.extend(made.body["id"].as_str().map(str::to_owned));
        }
        let mut asked = request(Proof::BearerToken(self.token.clone()));
        asked.connection_name = MARK.into();
        asked.protocol = String::new();
        let Outcome::Grant(grant) = authorize(world, &asked).await else { panic!("no session") };
        self.names.push(session_id(&grant.session).to_string());
        asked.connection_name = HELD.into();
        let Outcome::Denial(denial) = authorize(world, &asked).await else { panic!("no review") };
        assert_eq!(denial.code, "review_required", "{denial:?}");
        self.names.push(denial.review);
        let lines = self.send(Method::GET, "/api/audit/logs", Value::Null).await.body;
        self.names.push(lines["data"][0]["id"].as_str().unwrap().to_owned());
        for path in ["/api/users", "/api/users/ann.zebra@example.com/tokens"] {
            let list = self.send(Method::GET, path, Value::Null).await.body;
            let ids = list.as_array().unwrap().iter().filter_map(|it| it["id"].as_str());
            self.names.extend(ids.map(str::to_owned));
        }
        self.names.extend([MARK.to_owned(), ANN.to_owned()]);
    }

    /// All that it has, as it sees that itself, but for what changes with time.
    async fn all(&self) -> Vec<(&'static str, Value)> {
        let mut all = Vec::new();
        let changes =
            |route: &Route| ["/audit/", "/sessions"].iter().any(|it| route.path.contains(it));
        for route in lists().filter(|route| !changes(route)) {
            let answer = self.send(Method::GET, route.path, Value::Null).await;
            all.push((route.path, answer.body));
        }
        all
    }

    /// Whether an answer that is good says anything of this organisation.
    fn shows_in(&self, answer: &Answer) -> bool {
        let text = String::from_utf8_lossy(&answer.bytes);
        answer.status.is_success() && self.names.iter().any(|name| text.contains(name.as_str()))
    }
}

/// Routes that read, without a name in their path.
fn lists() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| {
        route.method == Method::GET && !route.path.contains('{') && !is_a_way_in(route)
    })
}

/// Signing in and out is nobody else's.
fn is_a_way_in(route: &Route) -> bool {
    ["/api/log", "/api/localauth", "/api/callback", "/api/saml"]
        .iter()
        .any(|begin| route.path.starts_with(begin))
}

/// The route's path with this name in the place of each parameter.
fn named(route: &Route, name: &str) -> String {
    let name = name.replace('@', "%40");
    let segments = route.path.split('/');
    let named = segments.map(|part| if part.starts_with('{') { name.as_str() } else { part });
    named.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn nothing_of_another_organisation_is_in_any_list() {
    let world = World::new().await;
    let root = world.root().await;
    let neighbour = Neighbour::new(&world).await;
    let (mut theirs, mut ours) = (0, 0);
    for route in lists() {
        let own = neighbour.send(Method::GET, route.path, Value::Null).await;
        theirs += usize::from(neighbour.shows_in(&own));
        let queries = neighbour.names.iter().flat_map(|name| {
            ["user", "connection", "q", "search", "actor"].map(|field| format!("?{field}={name}"))
        });
        for query in std::iter::once(String::new()).chain(queries) {
            let answer = world.get(&root, &format!("{}{query}", route.path)).await;
            assert!(!neighbour.shows_in(&answer), "{}{query}: {answer:?}", route.path);
            ours += usize::from(answer.status == 200);
        }
    }
    assert!(8 <= theirs, "what would be seen is not there: {theirs}");
    assert!(10 <= ours, "{ours}");
}

#[tokio::test]
async fn nothing_of_another_organisation_can_be_had_or_changed_by_name_or_id() {
    let world = World::new().await;
    let root = world.root().await;
    let neighbour = Neighbour::new(&world).await;
    let before = neighbour.all().await;
    let mut connection = pg_body("taken");
    connection["agent_id"] = json!("dev");
    let bodies = [
        json!({}),
        connection,
        json!({ "name": "taken", "groups": ["admin"], "status": "inactive" }),
        json!({ "new_password": "correct horse", "reason": "taken", "answer": "allow" }),
        json!({ "status": "REJECTED" }),
    ];
    for route in ROUTES.iter().filter(|route| route.path.contains('{') && !is_a_way_in(route)) {
        for name in &neighbour.names {
            let path = named(route, name);
            for body in &bodies {
                let body = if route.method == Method::GET { &Value::Null } else { body };
                let answer = world.call(route.method.clone(), &root, &path, body.clone()).await;
                let refused = answer.status.is_client_error() && answer.status != 429;
                // An empty list says nothing, as long as it is the same for what is not there.
                let empty = answer.status == 200 && answer.body == json!([]);
                assert!(refused || empty, "{} {path} {body}: {answer:?}", route.method);
                if route.method == Method::GET || route.method == Method::DELETE {
                    break;
                }
            }
        }
    }
    assert_eq!(neighbour.all().await, before);
}

#[tokio::test]
async fn nothing_can_point_into_another_organisation() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let neighbour = Neighbour::new(&world).await;
    let before = neighbour.all().await;
    for name in &neighbour.names {
        let mut connection = pg_body("points");
        connection["agent_id"] = json!(name);
        let plugged = json!({ "name": name, "config": ["dba"] });
        let plugin = json!({ "name": "review", "connections": [plugged] });
        let subscription = json!({ "name": "points", "channel": name, "events": ["session.*"] });
        for (path, body) in [
            ("/api/connections", connection),
            ("/api/api-keys", json!({ "name": "points", "service_account": name })),
            ("/api/notifications/subscriptions", subscription),
            ("/api/plugins", plugin),
        ] {
            let answer = world.post(&root, path, body).await;
            assert_eq!(answer.status, 422, "{path} {name}: {answer:?}");
        }
    }
    // A name is everybody's own.
    let group = world.post(&root, "/api/users/groups", json!({ "name": MARK })).await;
    assert_eq!(group.status, 201, "{group:?}");
    assert_eq!(neighbour.all().await, before);
}

#[tokio::test]
async fn who_is_somebody_in_another_organisation_is_nobody_here() {
    let world = World::new().await;
    let neighbour = Neighbour::new(&world).await;
    let root = world.root().await;
    for route in ROUTES.iter().filter(|route| route.access != router::Access::Public) {
        let path = named(route, "nothing");
        let theirs = world.call(route.method.clone(), &neighbour.token, &path, json!({})).await;
        assert_eq!(theirs.status, 401, "{} {path}", route.method);
        let ours = send_to(&neighbour.router, route.method.clone(), &root, &path, "{}".into());
        assert_eq!(ours.await.status, 401, "{} {path}", route.method);
    }
}
