//! A bucket on a real S3 server, and what goes over the wire to it.

use anyhow::Result;
use bytes::Bytes;
use hoop_domain::Secret;
use hoop_objects::{Encryption, Objects, Settings};
use hoop_testkit::{S3, Tap};

mod kept;
mod troubles;
mod wire;

const BUCKET: &str = "recordings";

/// How to reach the bucket by way of `port`.
fn settings(port: u16) -> Settings {
    Settings {
        bucket: BUCKET.into(),
        prefix: "hoop/".into(),
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        region: None,
        path_style: true,
        encryption: Encryption::Bucket,
        lock: None,
        credentials: Some(("test".into(), Secret::new("test".into()))),
    }
}

/// The bucket as it is.
async fn objects(port: u16) -> Objects {
    Objects::connect(settings(port)).await
}

/// A server, and a tap on the way to it.
async fn tapped() -> Result<(S3, Tap)> {
    let s3 = hoop_testkit::s3().await?;
    let tap = Tap::start(s3.port()).await?;
    Ok((s3, tap))
}

/// Bytes that differ everywhere.
fn noise(length: usize) -> Bytes {
    let words = (0..u64::try_from(length).unwrap_or(u64::MAX).div_ceil(8)).map(|number| {
        number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).to_le_bytes()
    });
    words.flatten().take(length).collect()
}

/// The heads of the requests that went through `tap`, without the first line's protocol.
fn requests(tap: &Tap) -> Vec<String> {
    let sent = String::from_utf8_lossy(&tap.from_client()).into_owned();
    let mut heads = Vec::new();
    for (at, _) in sent.match_indices(" HTTP/1.1\r\n") {
        let before = sent.get(..at).unwrap_or_default();
        // Before a head is the body of the request before it, which may be anything.
        let first = ["GET ", "PUT ", "POST ", "HEAD ", "DELETE "]
            .into_iter()
            .filter_map(|verb| before.rfind(verb))
            .max();
        let head = first.and_then(|first| sent.get(first..)?.split("\r\n\r\n").next());
        heads.extend(head.map(str::to_owned));
    }
    heads
}
