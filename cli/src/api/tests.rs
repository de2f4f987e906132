//! What the command line makes of the answers of the API.

use std::future::pending;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// An API that answers one request, and the request.
async fn ask(status: &str, body: &str, token: Option<&str>) -> (String, Result<Value, Error>) {
    let (mut requests, answer) = ask_for_all(&[(status, body)], token).await;
    (requests.remove(0), answer)
}

async fn ask_for_all(
    answers: &[(&str, &str)],
    token: Option<&str>,
) -> (Vec<String>, Result<Value, Error>) {
    answering(answers, token, async |api: &Api| {
        api.get(&["agents", "a/../b"], &[("limit", "1")]).await
    })
    .await
}

/// An API that answers as many requests as there are answers while somebody asks: the requests,
/// and what the one who asks makes of it. A status may have headers in the lines after it.
pub(crate) async fn answering<T>(
    answers: &[(&str, &str)],
    token: Option<&str>,
    ask: impl AsyncFnOnce(&Api) -> T,
) -> (Vec<String>, T) {
    hoop_runtime::process::install_crypto();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/prefix", listener.local_addr().unwrap());
    let mut requests = Vec::new();
    let serve = async {
        for (status, body) in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let len = socket.read(&mut request).await.unwrap();
            requests.push(String::from_utf8_lossy(&request[..len]).into_owned());
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
        pending::<()>().await;
    };
    let api = Api::new(&base, token.map(str::to_owned)).unwrap();
    let answer = tokio::select! {
        answer = ask(&api) => answer,
        () = serve => panic!("it never ends"),
    };
    (requests, answer)
}

#[tokio::test]
async fn a_name_can_not_leave_its_place_in_the_path() {
    let (request, answer) = ask("200 OK", r#"{"id":1}"#, Some("t0ken")).await;
    assert!(request.starts_with("GET /prefix/api/agents/a%2F..%2Fb?limit=1 "), "{request}");
    assert!(request.contains("authorization: Bearer t0ken"), "{request}");
    assert_eq!(answer.unwrap()["id"], 1);
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    for (status, body, token, said) in [
        (
            "401 Unauthorized",
            r#"{"message":"sign in first"}"#,
            None,
            "sign in first; run `hoop login",
        ),
        (
            "401 Unauthorized",
            r#"{"message":"x"}"#,
            Some("t"),
            "not valid any more; run `hoop login",
        ),
        (
            "404 Not Found",
            r#"{"message":"there is no such agent"}"#,
            None,
            "there is no such agent",
        ),
        (
            "403 Forbidden",
            r#"{"message":"your role does not allow this"}"#,
            Some("t"),
            "does not allow this; `hoop account show` says who you are",
        ),
        ("409 Conflict", r#"{"message":"taken\u001b[2J"}"#, None, "taken\u{fffd}[2J"),
        ("404 Not Found", "<html>", None, "is not a gateway's API"),
        ("404 Not Found", "{}", None, "is not a gateway's API"),
    ] {
        let (_, answer) = ask(status, body, token).await;
        let message = answer.unwrap_err().to_string();
        assert!(message.contains(said), "{message}");
    }
}

#[tokio::test]
async fn an_array_is_read_to_its_last_page() {
    let link = |page: u32| {
        format!(
            "200 OK\r\nlink: </api/agents?all=1>; rel=\"first\", \
             <https://elsewhere.example.com/api/agents?limit=1&cursor={page}>; rel=\"next\""
        )
    };
    let (one, two) = (link(1), link(2));
    let answers = [(one.as_str(), "[1,2]"), (two.as_str(), "[3]"), ("200 OK", "[4]")];
    let (requests, answer) = ask_for_all(&answers, Some("t0ken")).await;
    assert_eq!(answer.unwrap(), serde_json::json!([1, 2, 3, 4]));
    assert_eq!(requests.len(), 3);
    let queries = ["limit=1", "limit=1&cursor=1", "limit=1&cursor=2"];
    for (request, query) in requests.iter().zip(queries) {
        let line = format!("GET /prefix/api/agents/a%2F..%2Fb?{query} HTTP/1.1");
        assert!(request.starts_with(&line), "{request}");
        assert!(request.contains("authorization: Bearer t0ken"), "{request}");
    }
}

#[tokio::test]
async fn a_list_that_does_not_end_is_given_up() {
    let link = "200 OK\r\nlink: <?cursor=1>; rel=next";
    let answers = [(link, "[1]")].repeat(2 * MOST_PAGES);
    let (requests, answer) = ask_for_all(&answers, None).await;
    assert!(matches!(answer, Err(Error::Endless { .. })), "{answer:?}");
    assert_eq!(requests.len(), MOST_PAGES + 1);
}

#[tokio::test]
async fn a_page_that_is_refused_or_no_array_is_not_taken_for_the_end() {
    let link = "200 OK\r\nlink: <?cursor=1>; rel=\"next\"";
    for (status, body, said) in [
        ("503 Service Unavailable", r#"{"message":"try again"}"#, "try again"),
        ("200 OK", "{}", "is not a gateway's API"),
    ] {
        let (_, answer) = ask_for_all(&[(link, "[1]"), (status, body)], None).await;
        let message = answer.unwrap_err().to_string();
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn a_wrong_name_is_refused_with_where_the_right_ones_are() {
    let message = || String::from("there is no such agent");
    let missing = Error::NotFound { message: message() }.listed_by("hoop admin get agents");
    let said = "there is no such agent; `hoop admin get agents` lists what there is";
    assert_eq!(missing.to_string(), said);
    let refused = Error::Refused { message: message() }.listed_by("hoop admin get agents");
    assert_eq!(refused.to_string(), message());
}

#[test]
fn what_is_no_url_is_refused() {
    for given in ["", "hoop.example.com", "grpc://hoop:8010"] {
        assert!(matches!(Api::new(given, None), Err(Error::InvalidUrl { .. })), "{given}");
    }
}
