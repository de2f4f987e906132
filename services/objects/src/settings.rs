//! What we are told about the bucket.

use hoop_domain::Secret;
use hoop_runtime::{Env, config};

/// Where objects go, and how. Credentials come from the usual places of AWS: the
/// environment, a profile, the container's or the machine's role.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bucket, which exists already.
    pub bucket: String,
    /// How every key begins; empty or with a `/` at its end.
    pub prefix: String,
    /// The endpoint of a store that is not AWS's.
    pub endpoint: Option<String>,
    /// The region, when AWS's own settings do not say it.
    pub region: Option<String>,
    /// The bucket's name in the path and not in the host name.
    pub path_style: bool,
    /// How the store encrypts.
    pub encryption: Encryption,
    /// How long the store lets nobody remove an object.
    pub lock: Option<Lock>,
    /// An access key and its secret, for programs that embed us and have no environment.
    pub credentials: Option<(String, Secret<String>)>,
}

/// Encryption by the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// What the bucket does by default.
    Bucket,
    /// With the store's own keys.
    Aes256,
    /// With a key of KMS, or its default one.
    Kms(Option<String>),
}

/// Object lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// Who may lift it.
    pub mode: LockMode,
    /// For how many days from the upload on.
    pub days: u32,
}

/// Who may lift a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Those with the permission to.
    Governance,
    /// Nobody.
    Compliance,
}

/// A hundred years: more is a mistake.
const LONGEST_LOCK: u32 = 36_500;

impl Settings {
    /// Reads the `S3_` variables; `None` without `S3_BUCKET`.
    ///
    /// # Errors
    /// When one of them makes no sense.
    pub fn from_env(env: &Env) -> Result<Option<Self>, config::Error> {
        let Some(bucket) = env.text("S3_BUCKET") else { return orphan(env).map_or(Ok(None), Err) };
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(valid) {
            return Err(malformed("S3_BUCKET", "a bucket's name has 3 to 63 of a-z, 0-9, - and ."));
        }
        let endpoint = env.text("S3_ENDPOINT");
        let web = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if endpoint.as_ref().is_some_and(|url| !web(url)) {
            return Err(malformed("S3_ENDPOINT", "it begins with http:// or https://"));
        }
        let path_style = env.parsed("S3_PATH_STYLE", endpoint.is_some())?;
        let prefix = env.text("S3_PREFIX").unwrap_or_default();
        let prefix = prefix.trim_matches('/');
        Ok(Some(Self {
            bucket,
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
            endpoint,
            region: env.text("S3_REGION"),
            path_style,
            encryption: encryption(env)?,
            lock: lock(env)?,
            credentials: None,
        }))
    }
}

/// A setting of a bucket that is not named: somebody believes that recordings go there.
fn orphan(env: &Env) -> Option<config::Error> {
    let names = ["S3_PREFIX", "S3_ENDPOINT", "S3_SSE", "S3_SSE_KMS_KEY_ID", "S3_OBJECT_LOCK_MODE"];
    let name = names.into_iter().find(|name| env.text(name).is_some())?;
    Some(malformed(name, "it says nothing without S3_BUCKET; set both or neither"))
}

fn encryption(env: &Env) -> Result<Encryption, config::Error> {
    let key = env.text("S3_SSE_KMS_KEY_ID");
    match env.text("S3_SSE").as_deref() {
        Some("aws:kms") => Ok(Encryption::Kms(key)),
        _ if key.is_some() => Err(malformed("S3_SSE_KMS_KEY_ID", "it needs S3_SSE=aws:kms")),
        None => Ok(Encryption::Bucket),
        Some("AES256") => Ok(Encryption::Aes256),
        Some(_) => Err(malformed("S3_SSE", "it is AES256 or aws:kms")),
    }
}

fn lock(env: &Env) -> Result<Option<Lock>, config::Error> {
    let days: u32 = env.parsed("S3_OBJECT_LOCK_DAYS", 0)?;
    let mode = match env.text("S3_OBJECT_LOCK_MODE").as_deref() {
        None if days == 0 => return Ok(None),
        None => return Err(malformed("S3_OBJECT_LOCK_DAYS", "it needs S3_OBJECT_LOCK_MODE")),
        Some("GOVERNANCE") => LockMode::Governance,
        Some("COMPLIANCE") => LockMode::Compliance,
        Some(_) => {
            return Err(malformed("S3_OBJECT_LOCK_MODE", "it is GOVERNANCE or COMPLIANCE"));
        }
    };
    if !(1..=LONGEST_LOCK).contains(&days) {
        return Err(malformed("S3_OBJECT_LOCK_DAYS", "a lock is for 1 to 36500 days"));
    }
    Ok(Some(Lock { mode, days }))
}

fn malformed(name: &str, why: &str) -> config::Error {
    config::Error::Malformed { name: name.into(), why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        let env = Env::from_pairs(pairs.iter().copied()).map_err(|error| error.to_string())?;
        Settings::from_env(&env).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_bucket_there_is_no_object_store_and_its_other_settings_are_refused() {
        assert!(read(&[]).unwrap().is_none());
        let error = read(&[("S3_ENDPOINT", "http://127.0.0.1:9000")]).unwrap_err();
        assert!(error.contains("S3_BUCKET"), "{error}");
    }

    #[test]
    fn an_endpoint_of_ones_own_means_the_bucket_is_in_the_path() {
        let bucket = ("S3_BUCKET", "recordings");
        assert!(!read(&[bucket]).unwrap().unwrap().path_style);
        let own = [bucket, ("S3_ENDPOINT", "http://127.0.0.1:9000"), ("S3_PREFIX", "/a/b/")];
        let own = read(&own).unwrap().unwrap();
        assert!(own.path_style);
        assert_eq!(own.prefix, "a/b/");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let bucket = ("S3_BUCKET", "recordings");
        for (name, value) in [
            ("S3_ENDPOINT", "127.0.0.1:9000"),
            ("S3_SSE", "rot13"),
            ("S3_SSE_KMS_KEY_ID", "some-key"),
            ("S3_OBJECT_LOCK_MODE", "GOVERNANCE"),
            ("S3_OBJECT_LOCK_MODE", "forever"),
            ("S3_OBJECT_LOCK_DAYS", "30"),
            ("S3_PATH_STYLE", "maybe"),
        ] {
            let error = read(&[bucket, (name, value)]).unwrap_err();
            assert!(error.starts_with("S3_"), "{error}");
        }
        assert!(read(&[("S3_BUCKET", "No Bucket")]).is_err());
        let aws = [bucket, ("AWS_ACCESS_KEY_ID", "x"), ("AWS_PROFILE", "y")];
        assert!(read(&aws).is_ok(), "AWS's own variables are let be");
    }
}
