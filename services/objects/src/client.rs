//! Putting and getting objects.

use std::time::{Duration, SystemTime};

use aws_config::{
    BehaviorVersion, Region, environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain,
};
use aws_sdk_s3::{
    Client,
    config::{Credentials, retry::RetryConfig, timeout::TimeoutConfig},
    primitives::{ByteStream, DateTime},
    types::{ChecksumAlgorithm, ChecksumMode, ObjectLockMode, ServerSideEncryption},
};
use bytes::Bytes;

use crate::{Encryption, Error, Lock, LockMode, Settings, error::Deed, large};

/// An endpoint that does not answer is away.
const CONNECT: Duration = Duration::from_secs(5);
/// A request may take so long, with 16 MiB over a slow line.
const ATTEMPT: Duration = Duration::from_secs(30);
const OPERATION: Duration = Duration::from_secs(60);
/// Whoever calls us tries again as long as it takes; the SDK's own retry is for hiccups.
const ATTEMPTS: u32 = 2;
const DAY: u64 = 24 * 3600;
/// How the answer to a HEAD says that there is no such thing.
const NOT_THERE: [&str; 2] = ["NotFound", "status 404"];

/// A bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    pub(crate) client: Client,
    pub(crate) settings: Settings,
}

impl Objects {
    /// Knows where the bucket is; the bucket itself is not asked for anything yet, so that a
    /// process starts while its store is away.
    pub async fn connect(settings: Settings) -> Self {
        let given = RegionProviderChain::first_try(settings.region.clone().map(Region::new));
        // Where the endpoint is given, the region only goes into signatures: the machine is
        // not asked where in AWS it is.
        let region = match settings.endpoint {
            Some(_) => given.or_else(EnvironmentVariableRegionProvider::new()),
            None => given.or_default_provider(),
        };
        let region = region.or_else("us-east-1");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(region)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts);
        if let Some(endpoint) = &settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some((id, secret)) = &settings.credentials {
            loader = loader.credentials_provider(Credentials::new(
                id,
                secret.reveal(),
                None,
                None,
                "given",
            ));
        }
        let shared = loader.load().await;
        let config = aws_sdk_s3::config::Builder::from(&shared)
            .force_path_style(settings.path_style)
            .build();
        Self { client: Client::from_conf(config), settings }
    }

    /// The bucket's name, for logs.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.settings.bucket
    }

    /// The whole key of what we call `name`.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.settings.prefix)
    }

    /// Whether the bucket is there and lets us in.
    ///
    /// # Errors
    /// When it is not or does not.
    pub async fn check(&self) -> Result<(), Error> {
        let deed = self.deed("", "read");
        let asked = self.client.head_bucket().bucket(self.bucket()).send().await;
        match asked.map_err(|error| deed.failed(error)) {
            Ok(_) => Ok(()),
            // The answer to HEAD has no body that would say it better.
            Err(Error::Failed { bucket, code, .. }) if NOT_THERE.contains(&code.as_str()) => {
                Err(Error::NoBucket { bucket })
            }
            Err(error) => Err(error),
        }
    }

    /// Stores `bytes` under `key`, in one piece or in parts. Either all of it is there
    /// afterwards, or nothing.
    ///
    /// # Errors
    /// When the store does not confirm it.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), Error> {
        if large::LARGE <= bytes.len() {
            return large::put(self, key, bytes).await;
        }
        let (encryption, kms_key) = self.encryption();
        let (lock, until) = self.lock();
        self.client
            .put_object()
            .bucket(self.bucket())
            .key(key)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(kms_key)
            .set_object_lock_mode(lock)
            .set_object_lock_retain_until_date(until)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| self.deed(key, "write").failed(error))
    }

    /// The object under `key`, checked against the store's checksum where it has one.
    ///
    /// # Errors
    /// When it is not there or can't be had.
    pub async fn get(&self, key: &str) -> Result<Bytes, Error> {
        let got = self
            .client
            .get_object()
            .bucket(self.bucket())
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .map_err(|error| self.deed(key, "read").failed(error))?;
        let collected = got.body.collect().await.map_err(|cause| Error::Unreachable {
            bucket: self.bucket().into(),
            cause: Box::new(cause),
        })?;
        Ok(collected.into_bytes())
    }

    pub(crate) fn deed<'a>(&'a self, key: &'a str, verb: &'static str) -> Deed<'a> {
        Deed { bucket: self.bucket(), key, verb }
    }

    pub(crate) fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.settings.encryption {
            Encryption::Bucket => (None, None),
            Encryption::Aes256 => (Some(ServerSideEncryption::Aes256), None),
            Encryption::Kms(key) => (Some(ServerSideEncryption::AwsKms), key.clone()),
        }
    }

    pub(crate) fn lock(&self) -> (Option<ObjectLockMode>, Option<DateTime>) {
        let Some(Lock { mode, days }) = self.settings.lock else { return (None, None) };
        let mode = match mode {
            LockMode::Governance => ObjectLockMode::Governance,
            LockMode::Compliance => ObjectLockMode::Compliance,
        };
        let until = SystemTime::now() + Duration::from_secs(u64::from(days) * DAY);
        (Some(mode), Some(until.into()))
    }
}
