//! Lists, page by page: those that are bare arrays, and those that say in the body where the
//! next page begins and have no test of their own.

use axum::body::to_bytes;
use http::header;
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::world::{World, pg_body};
use crate::openapi::Document;

/// Every route that answers an array, with somebody in the place of `{id}`.
const LISTS: [&str; 10] = [
    "/api/agents",
    "/api/api-keys",
    "/api/connections",
    "/api/notifications/channels",
    "/api/notifications/subscriptions",
    "/api/plugins",
    "/api/serviceaccounts",
    "/api/users",
    "/api/users/groups",
    "/api/users/root@example.com/tokens",
];

/// At least three of everything, and a token of an administrator.
async fn many() -> (World, String) {
    let world = World::new().await;
    world.pg().await;
    world.user("ann@example.com", &["dba"]).await;
    world.user("bob@example.com", &["dev"]).await;
    world.root().await;
    let root = world.root().await;
    let make = async |path: &str, body: Value| {
        let made = world.post(&root, path, body).await;
        assert_eq!(made.status, 201, "{path}: {made:?}");
    };
    for name in ["alpha", "Beta", "gamma"] {
        make("/api/agents", json!({ "name": name })).await;
        make("/api/connections", pg_body(name)).await;
        make("/api/api-keys", json!({ "name": name, "groups": ["dba"] })).await;
        make("/api/serviceaccounts", json!({ "subject": format!("auth0|{name}") })).await;
        let channel = json!({
            "name": name,
            "type": "webhook",
            "settings": { "url": "http://x/" },
            "secrets": { "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
        });
        make("/api/notifications/channels", channel).await;
        let subscription = json!({ "name": name, "channel": name, "events": ["session.*"] });
        make("/api/notifications/subscriptions", subscription).await;
    }
    for name in ["slack", "audit", "review"] {
        make("/api/plugins", json!({ "name": name, "connections": [] })).await;
    }
    (world, root)
}

/// A page, and the path of the next one.
async fn page(world: &World, token: &str, path: &str) -> (Vec<Value>, Option<String>) {
    let response = world.asked(token, path, "").await;
    assert_eq!(response.status(), 200, "{path}");
    let next = response.headers().get(header::LINK).map(|link| {
        let link = link.to_str().unwrap().strip_prefix('<').unwrap();
        link.strip_suffix(">; rel=\"next\"").unwrap().to_owned()
    });
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (serde_json::from_slice(&body).unwrap(), next)
}

/// All pages from `path` on.
async fn pages(world: &World, token: &str, path: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (rows, after) = page(world, token, &path).await;
        pages.push(rows);
        next = after;
    }
    pages
}

/// All pages of a list whose body says where the next one begins.
async fn told_pages(world: &World, token: &str, path: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = world.get(token, &format!("{path}{cursor}")).await;
        assert_eq!(answer.status, 200, "{path}{cursor}: {answer:?}");
        pages.push(answer.body["data"].as_array().unwrap().clone());
        let next = answer.body["next_cursor"].as_str();
        assert_eq!(answer.body["has_next_page"], json!(next.is_some()), "{path}{cursor}");
        let Some(next) = next else { return pages };
        cursor = format!("&cursor={next}");
    }
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_pages_of_every_list_are_full_and_make_the_whole_of_it() {
    let (world, root) = many().await;
    for path in LISTS {
        let (whole, next) = page(&world, &root, path).await;
        assert!(3 <= whole.len() && next.is_none(), "{path}: {whole:?}");
        for limit in [1, 2, whole.len()] {
            let pages = pages(&world, &root, &format!("{path}?limit={limit}")).await;
            assert_eq!(pages.len(), whole.len().div_ceil(limit), "{path} by {limit}");
            let (_, full) = pages.split_last().unwrap();
            assert!(full.iter().all(|page| page.len() == limit), "{path} by {limit}");
            assert_eq!(pages.concat(), whole, "{path} by {limit}");
        }
    }
}

#[tokio::test]
async fn credentials_and_deliveries_come_in_pages_that_make_the_whole() {
    let world = World::new().await;
    world.pg().await;
    let (root, ann) = (world.root().await, world.user("ann@example.com", &["dba"]).await);
    let mail = json!({
        "name": "mail", "type": "smtp",
        "settings": { "host": "mail.example.com", "from": "hoop@example.com" },
    });
    assert_eq!(world.post(&root, "/api/notifications/channels", mail).await.status, 201);
    for number in 0..5 {
        let token = if number % 2 == 0 { &root } else { &ann };
        let made = world.post(token, "/api/connections/pg/credentials", json!({})).await;
        assert_eq!(made.status, 201, "{made:?}");
        let to = json!({ "recipient": format!("{number}@example.com") });
        let sent = world.post(&root, "/api/notifications/channels/mail/test", to).await;
        assert_eq!(sent.status, 202, "{sent:?}");
    }
    for path in ["/api/credentials", "/api/notifications/deliveries"] {
        let whole = told_pages(&world, &root, &format!("{path}?limit=100")).await.concat();
        assert_eq!(whole.len(), 5, "{path}");
        for limit in [1, 2, 5] {
            let pages = told_pages(&world, &root, &format!("{path}?limit={limit}")).await;
            let (_, full) = pages.split_last().unwrap();
            assert!(full.iter().all(|page| page.len() == limit), "{path} by {limit}");
            assert_eq!(pages.concat(), whole, "{path} by {limit}");
        }
    }
    // The second page has what is one's own, too, and nothing else.
    let own = told_pages(&world, &ann, "/api/credentials?limit=1").await.concat();
    let owners: Vec<_> = own.iter().map(|row| row["user"].as_str().unwrap()).collect();
    assert_eq!(owners, ["ann@example.com"; 2]);
}

#[tokio::test]
async fn a_page_that_there_can_not_be_is_refused_by_the_name_of_the_field() {
    let world = World::new().await;
    let root = world.root().await;
    for path in LISTS {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=-1", "limit"),
            ("limit=many", "limit"),
            ("cursor=", "cursor"),
            ("cursor=x", "cursor"),
            ("cursor=n00", "cursor"),
            ("offset=2", "offset"),
        ] {
            let answer = world.get(&root, &format!("{path}?{query}")).await;
            let said = (answer.status.as_u16(), answer.body["field"].as_str());
            assert_eq!(said, (422, Some(field)), "{path}?{query}");
        }
    }
}

#[test]
fn every_array_that_a_route_answers_is_one_of_these_and_documents_its_pages() {
    let document = serde_json::to_value(Document::openapi()).unwrap();
    let mut arrays = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let answer = &item["get"]["responses"]["200"];
        let schema = &answer["content"]["application/json"]["schema"];
        let mut kinds = schema["oneOf"].as_array().into_iter().flatten().chain([schema]);
        if !kinds.any(|kind| kind["type"] == "array") {
            continue;
        }
        arrays.push(path.replace("{id}", "root@example.com"));
        assert!(answer["headers"]["Link"].is_object(), "{path}");
        let parameters = item["get"]["parameters"].as_array().unwrap();
        for name in ["limit", "cursor"] {
            assert!(parameters.iter().any(|parameter| parameter["name"] == name), "{path} {name}");
        }
    }
    arrays.sort_unstable();
    assert_eq!(arrays, LISTS);
}

#[tokio::test]
async fn connections_come_by_the_number_of_a_page_for_who_asks_so() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    for (name, groups) in [("a", json!(["ops"])), ("b", json!(["dba"])), ("web", json!([]))] {
        let mut body = pg_body(name);
        body["access_groups"] = groups;
        assert_eq!(world.post(&root, "/api/connections", body).await.status, 201);
    }
    let dba = world.user("dba@example.com", &["dba"]).await;
    let numbered = async |token: &str, query: &str| {
        let answer = world.get(token, &format!("/api/connections?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        let pages = ["total", "page", "size"].map(|name| answer.body["pages"][name].as_u64());
        let rows = answer.body["data"].as_array().unwrap().clone();
        (pages.map(Option::unwrap), names(&rows).join(" "))
    };
    for (token, query, pages, shown) in [
        (&root, "page=1&page_size=3", [4, 1, 3], "a b pg"),
        (&root, "page=2&page_size=3", [4, 2, 3], "web"),
        (&root, "page=3&page_size=3", [4, 3, 3], ""),
        (&root, "page=1", [4, 1, 20], "a b pg web"),
        (&root, "page_size=1", [4, 1, 1], "a"),
        (&root, "page=4294967295&page_size=100", [4, 4_294_967_295, 100], ""),
        (&root, "page=2&page_size=1&search=B", [2, 2, 1], "web"),
        (&dba, "page=2&page_size=1", [2, 2, 1], "pg"),
        (&dba, "page=1&type=database&agent_id=dev&name=a", [0, 1, 20], ""),
    ] {
        let expected = (pages, shown.to_owned());
        assert_eq!(numbered(token, query).await, expected, "{query}");
    }
    let bare = world.get(&root, "/api/connections?name=pg").await.body;
    assert_eq!(names(bare.as_array().unwrap()), ["pg"], "nobody asked for a number");
    for (query, field) in [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=many", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page=1&limit=2", "limit"),
        ("page_size=2&cursor=n61", "cursor"),
    ] {
        let answer = world.get(&root, &format!("/api/connections?{query}")).await;
        let said = (answer.status.as_u16(), answer.body["field"].as_str());
        assert_eq!(said, (422, Some(field)), "{query}");
    }
}

#[tokio::test]
async fn connections_that_one_may_not_see_take_no_place_on_a_page() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    for (name, groups) in [
        ("a", json!(["ops"])),
        ("b", json!(["dba"])),
        ("c", json!(["dba"])),
        ("d", json!(["ops", "dba"])),
        ("e", json!([])),
    ] {
        let mut body = pg_body(name);
        body["access_groups"] = groups;
        assert_eq!(world.post(&root, "/api/connections", body).await.status, 201);
    }
    let closed = json!({
        "name": "access_control",
        "connections": [{ "name": "c", "config": ["oncall"] }],
    });
    assert_eq!(world.post(&root, "/api/plugins", closed).await.status, 201);

    let dba = world.user("dba@example.com", &["dba"]).await;
    let (first, next) = page(&world, &dba, "/api/connections?limit=2").await;
    assert_eq!(names(&first), ["b", "d"]);
    let (second, next) = page(&world, &dba, &next.unwrap()).await;
    assert_eq!((names(&second), next), (vec!["pg"], None));
    let oncall = world.user("oncall@example.com", &["oncall", "ops"]).await;
    let open = pages(&world, &oncall, "/api/connections?limit=1").await;
    assert_eq!(names(&open.concat()), ["a", "d"]);
    let nobody = world.user("nobody@example.com", &[]).await;
    assert_eq!(page(&world, &nobody, "/api/connections?limit=1").await, (Vec::new(), None));
    let auditor = world.user("auditor@example.com", &["auditor"]).await;
    let all = pages(&world, &auditor, "/api/connections?limit=1").await;
    assert_eq!(names(&all.concat()), ["a", "b", "c", "d", "e", "pg"]);
}

#[tokio::test]
async fn what_is_deleted_meanwhile_is_not_the_end_of_the_list() {
    let world = World::new().await;
    let root = world.root().await;
    for name in ["a1", "a2", "a3"] {
        let made = world.post(&root, "/api/users/groups", json!({ "name": name })).await;
        assert_eq!(made.status, 201);
    }
    let (first, next) = page(&world, &root, "/api/users/groups?limit=1").await;
    assert_eq!(first, ["a1"]);
    assert_eq!(world.delete(&root, "/api/users/groups/a1").await.status, 204);
    let rest = pages(&world, &root, &next.unwrap()).await.concat();
    assert_eq!(rest, page(&world, &root, "/api/users/groups").await.0);
    assert_eq!(rest[..2], ["a2", "a3"]);
}
