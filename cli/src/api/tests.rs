//! What the command line makes of the answers of the API.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// An API that answers one request with `answer` and returns its first line.
async fn ask(status: &str, body: &str, token: Option<&str>) -> (String, Result<Value, Error>) {
    hoop_runtime::process::install_crypto();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/prefix", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let serve = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let len = socket.read(&mut request).await.unwrap();
        socket.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..len]).into_owned()
    };
    let api = Api::new(&base, token.map(str::to_owned)).unwrap();
    let asked = api.get(&["agents", "a/../b"], &[("limit", "1")]);
    tokio::join!(serve, asked)
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
