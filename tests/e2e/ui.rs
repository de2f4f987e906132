//! The user interface of a real api process: asked through nginx as browsers do, and on a bare
//! socket as nobody does who means well.

use anyhow::ensure;
use hoop_tests::{Options, Proxied, proxied::Setup};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Result;

const INDEX: &str = "<!doctype html><title>hoop</title>";
const SECRET: &str = "nobody-may-read-this";

/// What the api at `url` answers to a path that is sent as it is: clients tidy theirs.
async fn bare(url: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: hoop\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn an_interface_is_served_beside_the_api_and_nothing_around_it_is() -> Result {
    let outside = tempfile::tempdir()?;
    let ui = outside.path().join("ui");
    std::fs::create_dir_all(ui.join("assets"))?;
    let files = [
        ("index.html", INDEX),
        ("assets/app.js", "1"),
        (".env", SECRET),
        ("../secret.txt", SECRET),
    ];
    for (name, text) in files {
        std::fs::write(ui.join(name), text)?;
    }
    let options = Options::default().with("api", "TRUSTED_PROXIES", "127.0.0.1");
    let options = options.with("api", "STATIC_UI_PATH", ui.display().to_string());
    let proxied = Proxied::without_agent(Setup::SinglePort, options, |text| text).await?;

    let browser = proxied.rest_from([127, 0, 0, 2])?.with_token(None);
    for (path, body) in
        [("/", json!(INDEX)), ("/sessions/1", json!(INDEX)), ("/assets/app.js", json!(1))]
    {
        let answer = browser.send(Method::GET, path, Value::Null).await?;
        ensure!(answer.status == 200 && answer.body == body, "{path}: {answer:?}");
    }
    for path in ["/assets/missing.js", "/api/nothing"] {
        let answer = browser.send(Method::GET, path, Value::Null).await?;
        ensure!(answer.status == 404, "{path}: {answer:?}");
        ensure!(answer.message() == "there is no such path", "{path}: {answer:?}");
    }
    ensure!(browser.get("/api/publicserverinfo").await?.is_object());

    let api = &proxied.gateway.api_url;
    let page = bare(api, "/sessions/1").await?;
    ensure!(page.starts_with("HTTP/1.1 200") && page.ends_with(INDEX), "{page}");
    for header in ["cache-control: no-cache", "default-src 'self'", "x-frame-options: DENY"] {
        ensure!(page.contains(header), "no {header}: {page}");
    }
    for path in
        ["/../secret.txt", "/assets/../../secret.txt", "/..%2fsecret.txt", "/.env", "/%2eenv"]
    {
        let answer = bare(api, path).await?;
        ensure!(answer.starts_with("HTTP/1.1 404") && !answer.contains(SECRET), "{path}: {answer}");
    }
    Ok(())
}
