//! What the server keeps of encryption and locks, asked for afterwards.

use std::{ops::RangeInclusive, time::SystemTime};

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use hoop_objects::{Encryption, Lock, LockMode, Objects, Settings};

use crate::{BUCKET, noise, objects, requests, settings, tapped};

const SMALL: usize = 1000;
/// From 8 MiB on, objects go in parts.
const LARGE: usize = 9 * 1024 * 1024;

#[tokio::test]
async fn objects_of_any_size_are_encrypted_as_was_asked_for() -> Result<()> {
    let (s3, tap) = tapped().await?;
    s3.bucket(BUCKET).await?;
    let kms = "arn:aws:kms:us-east-1:123456789012:key/some-key";
    for (number, (encryption, algorithm, key)) in [
        (Encryption::Aes256, "AES256", None),
        (Encryption::Kms(Some(kms.into())), "aws:kms", Some(kms)),
        (Encryption::Kms(None), "aws:kms", None),
    ]
    .into_iter()
    .enumerate()
    {
        let settings = Settings { encryption, ..settings(tap.port) };
        let bucket = Objects::connect(settings).await;
        for length in [SMALL, LARGE] {
            let name = bucket.key(&format!("{number}-{length}"));
            bucket.put(&name, noise(length)).await?;
            let head = s3.head(BUCKET, &name).await?;
            let kept = |header: &str| head.get(header).map(String::as_str);
            ensure!(kept("x-amz-server-side-encryption") == Some(algorithm), "{name}: {head:?}");
            let named = kept("x-amz-server-side-encryption-aws-kms-key-id");
            ensure!(named == key, "{name}: {head:?}");
            ensure!(bucket.get(&name).await? == noise(length), "{name} is another");
        }
    }
    // Nothing is asked for where the bucket decides.
    let bucket = objects(tap.port).await;
    bucket.put("plain", noise(SMALL)).await?;
    let head = s3.head(BUCKET, "plain").await?;
    ensure!(!head.contains_key("x-amz-server-side-encryption"), "{head:?}");
    Ok(())
}

/// The second that `text` names is `days` from one of `now`.
fn expect_days(text: &str, days: u32, now: &RangeInclusive<SystemTime>) -> Result<()> {
    let until = DateTime::from_str(text, DateTimeFormat::DateTime)?.secs();
    let lock = i64::from(days) * 24 * 3600;
    let [first, last] =
        [now.start(), now.end()].map(|now| DateTime::from(*now).secs().saturating_add(lock));
    ensure!((first..=last).contains(&until), "{text} is not in {days} days");
    Ok(())
}

#[tokio::test]
async fn a_locked_object_can_not_be_removed_before_its_day() -> Result<()> {
    let (s3, tap) = tapped().await?;
    s3.bucket_with_locks(BUCKET).await?;
    for (mode, word, days) in
        [(LockMode::Governance, "GOVERNANCE", 1), (LockMode::Compliance, "COMPLIANCE", 400)]
    {
        let lock = Some(Lock { mode, days });
        let bucket = Objects::connect(Settings { lock, ..settings(tap.port) }).await;
        let begun = SystemTime::now();
        bucket.put(word, noise(SMALL)).await?;
        let now = begun..=SystemTime::now();
        let head = s3.head(BUCKET, word).await?;
        ensure!(head.get("x-amz-object-lock-mode").is_some_and(|it| it == word), "{head:?}");
        let until = head.get("x-amz-object-lock-retain-until-date").context("no date")?;
        expect_days(until, days, &now)?;
        let version = head.get("x-amz-version-id").context("the bucket has no versions")?;
        let refused = s3.remove(BUCKET, word, version).await.err().context("it was removed")?;
        ensure!(refused.to_string().contains("AccessDenied"), "{refused:#}");
        ensure!(bucket.get(word).await? == noise(SMALL));
    }
    Ok(())
}

/// moto does not keep what a lock in parts asks for, so this looks at the request.
#[tokio::test]
async fn a_lock_is_asked_for_when_an_upload_in_parts_begins() -> Result<()> {
    let (s3, tap) = tapped().await?;
    s3.bucket_with_locks(BUCKET).await?;
    let lock = Some(Lock { mode: LockMode::Compliance, days: 30 });
    let bucket = Objects::connect(Settings { lock, ..settings(tap.port) }).await;
    let begun = SystemTime::now();
    bucket.put("large", noise(LARGE)).await?;
    let now = begun..=SystemTime::now();
    let requests = requests(&tap);
    let [beginning] = requests
        .iter()
        .filter(|head| head.starts_with("POST ") && head.contains("?uploads"))
        .collect::<Vec<_>>()[..]
    else {
        anyhow::bail!("an upload begins once: {requests:?}")
    };
    let header = |name: &str| {
        let lines = beginning.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next()
    };
    ensure!(header("x-amz-object-lock-mode").as_deref() == Some("COMPLIANCE"), "{beginning}");
    let until = header("x-amz-object-lock-retain-until-date").context("no date")?;
    expect_days(&until, 30, &now)
}
