//! Stores that are missing, closed, silent or cut off: each says so in words.

use anyhow::{Context, Result, ensure};
use hoop_objects::Error;
use tokio::net::TcpListener;

use crate::{BUCKET, noise, objects, tapped};

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named() -> Result<()> {
    let (_s3, tap) = tapped().await?;
    let bucket = objects(tap.port).await;
    let [put, check] =
        [bucket.put("small", noise(10)).await, bucket.check().await].map(Result::unwrap_err);
    for error in [put, check] {
        ensure!(matches!(error, Error::NoBucket { .. }), "{error:?}");
        let words = error.to_string();
        ensure!(words == "there is no bucket recordings; make it, or correct S3_BUCKET", "{words}");
    }
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_is_read_only_is_named_and_still_read() -> Result<()> {
    let (s3, tap) = tapped().await?;
    s3.bucket(BUCKET).await?;
    let bucket = objects(tap.port).await;
    bucket.put("before", noise(10)).await?;
    s3.deny(BUCKET, "s3:PutObject").await?;
    let refused = bucket.put("small", noise(10)).await.err().context("it was taken")?;
    // The word in parentheses is the store's own, and moto has none.
    let words = refused.to_string();
    ensure!(words.starts_with("bucket recordings does not let us write objects ("), "{words}");
    ensure!(words.ends_with("check its policy and our credentials"), "{words}");
    ensure!(bucket.get("before").await? == noise(10));
    let missing = bucket.get("small").await.err().context("it is there")?;
    ensure!(missing.to_string() == "bucket recordings has no object small", "{missing}");
    Ok(())
}

/// Time is the test's: the waits of a minute pass at once.
#[tokio::test(start_paused = true)]
async fn a_store_that_says_nothing_is_given_up_and_called_unreachable() -> Result<()> {
    // Its connections are accepted by the system, and by nobody else.
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let bucket = objects(silent.local_addr()?.port()).await;
    for length in [10, 9 * 1024 * 1024] {
        let error = bucket.put("name", noise(length)).await.err().context("it was taken")?;
        ensure!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        ensure!(error.to_string() == "bucket recordings can't be reached", "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_upload_that_is_cut_in_the_middle_leaves_nothing_and_succeeds_later() -> Result<()> {
    const LARGE: usize = 9 * 1024 * 1024;
    let (s3, mut tap) = tapped().await?;
    s3.bucket(BUCKET).await?;
    let bucket = objects(tap.port).await;
    let put = tokio::spawn({
        let bucket = bucket.clone();
        async move { bucket.put("large", noise(LARGE)).await }
    });
    tap.cut_after(LARGE / 2).await?;
    let error = put.await?.err().context("it was taken")?;
    ensure!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    ensure!(s3.keys(BUCKET).await?.is_empty(), "half an object is there");
    tap.heal().await?;
    bucket.put("large", noise(LARGE)).await?;
    ensure!(bucket.get("large").await? == noise(LARGE));
    Ok(())
}
