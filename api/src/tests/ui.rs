//! The user interface beside the API: a small folder, asked as browsers do and as strangers do.

use axum::{
    body::{Body, Bytes, to_bytes},
    response::Response,
};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use serde_json::Value;
use tempfile::TempDir;

use super::world::World;

const INDEX: &str = "<!doctype html><title>hoop</title>";
const SCRIPT: &str = "console.log('hoop')";
const SECRET: &str = "hunter2";
const HASHED: &str = "/assets/app-4f9c2b1a.js";
const POLICY: &str = "default-src 'self'; connect-src 'self'; img-src 'self' data:; \
    style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// More than the limits of these tests, and few enough to be asked.
const MANY: usize = 200;

/// A world whose API has the folder `ui` of this one beside it.
async fn world(settings: &[(&str, &str)]) -> (World, TempDir) {
    let outside = tempfile::tempdir().unwrap();
    let ui = outside.path().join("ui");
    for folder in ["api", "assets", ".git"] {
        std::fs::create_dir_all(ui.join(folder)).unwrap();
    }
    let files = [
        ("index.html", INDEX),
        ("assets/app-4f9c2b1a.js", SCRIPT),
        ("assets/app-4f9c2b1a.js.br", "as brotli"),
        ("assets/app-4f9c2b1a.js.gz", "as gzip"),
        ("assets/logo.svg", "<svg/>"),
        ("LICENSE", "Apache-2.0"),
        ("api/nothing", SECRET),
        (".env", SECRET),
        (".git/config", SECRET),
        ("../secret.txt", SECRET),
    ];
    for (name, text) in files {
        std::fs::write(ui.join(name), text).unwrap();
    }
    let ui = ui.to_str().unwrap();
    (World::with(&[&[("STATIC_UI_PATH", ui)][..], settings].concat()).await, outside)
}

async fn ask(
    world: &World,
    method: Method,
    path: &str,
    with: &[(HeaderName, &str)],
) -> (StatusCode, HeaderMap, Bytes) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in with {
        request = request.header(name, *value);
    }
    let answer: Response = world.answer(request.body(Body::empty()).unwrap()).await;
    let (head, body) = answer.into_parts();
    (head.status, head.headers, to_bytes(body, usize::MAX).await.unwrap())
}

async fn get(
    world: &World,
    path: &str,
    with: &[(HeaderName, &str)],
) -> (StatusCode, HeaderMap, Bytes) {
    ask(world, Method::GET, path, with).await
}

fn header_of(headers: &HeaderMap, name: impl AsRef<str>) -> &str {
    headers.get(name.as_ref()).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn files_have_their_types_and_what_is_no_file_is_a_page() {
    let (world, _folder) = world(&[]).await;
    let files = [
        ("/", "text/html", INDEX),
        ("/index.html", "text/html", INDEX),
        (HASHED, "text/javascript", SCRIPT),
        ("/assets/logo.svg", "image/svg+xml", "<svg/>"),
        ("/LICENSE", "application/octet-stream", "Apache-2.0"),
        ("/sessions/1?tab=input", "text/html", INDEX),
        ("/connections/a%20b", "text/html", INDEX),
        ("/assets", "text/html", INDEX),
        ("/assets/", "text/html", INDEX),
        ("/LICENSE/more", "text/html", INDEX),
    ];
    for (path, kind, body) in files {
        let (status, headers, bytes) = get(&world, path, &[]).await;
        assert_eq!(status, 200, "{path}");
        assert!(header_of(&headers, header::CONTENT_TYPE).starts_with(kind), "{path}: {headers:?}");
        assert_eq!(bytes, body, "{path}");
    }
    let long = format!("/{}", "x".repeat(1000));
    assert_eq!(get(&world, &long, &[]).await.2, INDEX, "no file system has such a name");
    for path in ["/missing.js", "/assets/missing.css", "/index.html/x.js", "/favicon.ico"] {
        world.get("", path).await.is_problem(404, "there is no such path");
    }
    let long = format!("{long}.js");
    world.get("", &long).await.is_problem(404, "there is no such path");
}

#[tokio::test]
async fn what_is_the_apis_stays_the_apis() {
    let (world, _folder) = world(&[]).await;
    for path in ["/api", "/api/", "/api/nothing", "/api/nothing.js", "/%61pi/nothing"] {
        world.get("", path).await.is_problem(404, "there is no such path");
    }
    assert_eq!(world.get("", "/api/healthz").await.status, 200);
    let users = world.call(Method::PATCH, "", "/api/users", Value::Null).await;
    users.is_problem(405, "this path has no such method");
    let (_, headers, _) = get(&world, "/api/nothing", &[]).await;
    assert!(header_of(&headers, header::CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"));
    assert_eq!(header_of(&headers, header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn nothing_hidden_and_nothing_outside_is_shown() {
    let (world, _folder) = world(&[]).await;
    for path in [
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/.git",
        "/assets/..%2f.env",
        "/assets%2f..%2f.git%2fconfig",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/../../secret.txt",
        "/..%5csecret.txt",
        "/%00",
        "/%ff.js",
    ] {
        let answer = world.get("", path).await;
        answer.is_problem(404, "there is no such path");
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(SECRET), "{path}");
    }
    let (_, _, bytes) = get(&world, "/assets/", &[]).await;
    assert_eq!(bytes, INDEX, "a folder is not listed");
}

#[tokio::test]
async fn only_reading_is_answered() {
    let (world, _folder) = world(&[]).await;
    let (status, headers, bytes) = ask(&world, Method::HEAD, HASHED, &[]).await;
    assert_eq!((status.as_u16(), bytes.len()), (200, 0));
    assert_eq!(header_of(&headers, header::CONTENT_LENGTH), SCRIPT.len().to_string());
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let (status, headers, _) = ask(&world, method, "/", &[]).await;
        assert_eq!(status, 405);
        assert_eq!(header_of(&headers, header::ALLOW), "GET, HEAD");
        assert_eq!(header_of(&headers, header::CONTENT_TYPE), "application/problem+json");
    }
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let (world, _folder) = world(&[]).await;
    let kept = [
        ("/", "no-cache"),
        ("/sessions/1", "no-cache"),
        ("/assets/logo.svg", "no-cache"),
        ("/assets/app-4f9c2b1a", "no-cache"),
        (HASHED, "public, max-age=31536000, immutable"),
        ("/assets/app-00000000b.js", "no-store"),
    ];
    for (path, how) in kept {
        let (_, headers, _) = get(&world, path, &[]).await;
        assert_eq!(header_of(&headers, header::CACHE_CONTROL), how, "{path}");
    }
    for path in ["/", "/sessions/1", HASHED] {
        let (_, first, _) = get(&world, path, &[]).await;
        let (etag, at) = (&first[header::ETAG], &first[header::LAST_MODIFIED]);
        for (condition, value) in [(header::IF_NONE_MATCH, etag), (header::IF_MODIFIED_SINCE, at)] {
            let with = [(condition, value.to_str().unwrap())];
            let (status, headers, bytes) = get(&world, path, &with).await;
            assert_eq!((status.as_u16(), bytes.len()), (304, 0), "{path} {with:?}");
            assert_eq!(headers[header::CACHE_CONTROL], first[header::CACHE_CONTROL], "{path}");
        }
        let (status, _, _) = get(&world, path, &[(header::IF_NONE_MATCH, "\"other\"")]).await;
        assert_eq!(status, 200, "{path}");
    }
}

#[tokio::test]
async fn what_is_compressed_already_is_sent_so_to_who_takes_it() {
    let (world, _folder) = world(&[]).await;
    for (accepted, encoding, body) in [
        ("gzip, br", "br", "as brotli"),
        ("gzip", "gzip", "as gzip"),
        ("zstd", "", SCRIPT),
        ("identity", "", SCRIPT),
    ] {
        let with = [(header::ACCEPT_ENCODING, accepted)];
        let (status, headers, bytes) = get(&world, HASHED, &with).await;
        assert_eq!((status.as_u16(), &bytes[..]), (200, body.as_bytes()), "{accepted}");
        assert_eq!(header_of(&headers, header::CONTENT_ENCODING), encoding, "{accepted}");
        assert_eq!(header_of(&headers, header::CONTENT_TYPE), "text/javascript", "{accepted}");
        assert_eq!(header_of(&headers, header::VARY), "accept-encoding", "{accepted}");
        let (_, headers, bytes) = get(&world, "/", &with).await;
        assert_eq!(bytes, INDEX, "it is not there in any other way");
        assert_eq!(header_of(&headers, header::CONTENT_ENCODING), "", "{accepted}");
    }
}

#[tokio::test]
async fn a_page_may_use_what_is_here_and_is_shown_in_no_other() {
    let (world, _folder) = world(&[]).await;
    for path in ["/", "/sessions/1", HASHED] {
        let (_, headers, _) = get(&world, path, &[]).await;
        for (name, value) in [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header_of(&headers, name), value, "{path} {name}");
        }
    }
}

#[tokio::test]
async fn files_are_counted_for_an_address_and_not_for_strangers() {
    let (mut world, folder) = world(&[("API_RATE_STRANGER", "5")]).await;
    for _ in 0..MANY {
        assert_eq!(get(&world, HASHED, &[]).await.0, 200);
    }
    assert_eq!(world.get("", "/api/publicserverinfo").await.status, 200, "nothing is used up");
    let ui = folder.path().join("ui");
    let few = [("STATIC_UI_PATH", ui.to_str().unwrap()), ("API_RATE_ADDRESS", "5")];
    world.restart(&few).await;
    for _ in 0..MANY {
        let (status, headers, _) = get(&world, HASHED, &[]).await;
        if status == 429 {
            assert!(headers.contains_key(header::RETRY_AFTER), "{headers:?}");
            return;
        }
    }
    panic!("{MANY} files were sent");
}
