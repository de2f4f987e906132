//! Why an object was not put or got.

use std::error::Error as StdError;

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

/// Why an object was not put or got.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such object.
    #[error("bucket {bucket} has no object {key}")]
    NoObject {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// There is no such bucket.
    #[error("there is no bucket {bucket}; make it, or correct S3_BUCKET")]
    NoBucket {
        /// The bucket.
        bucket: String,
    },
    /// The store knows us and does not let us, or does not know us.
    #[error(
        "bucket {bucket} does not let us {verb} objects ({code}); check its policy and our credentials"
    )]
    Refused {
        /// The bucket.
        bucket: String,
        /// `read` or `write`.
        verb: &'static str,
        /// The store's word for it.
        code: String,
    },
    /// No answer, or none in time.
    #[error("bucket {bucket} can't be reached")]
    Unreachable {
        /// The bucket.
        bucket: String,
        /// What happened on the way.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
    /// The store answered with an error.
    #[error("bucket {bucket} answered {code}: {message}")]
    Failed {
        /// The bucket.
        bucket: String,
        /// The store's word for it.
        code: String,
        /// Its sentence.
        message: String,
    },
}

/// What was done to which object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) verb: &'static str,
}

impl Deed<'_> {
    pub(crate) fn failed<E>(&self, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let bucket = self.bucket.to_owned();
        let SdkError::ServiceError(answer) = &error else {
            return Error::Unreachable { bucket, cause: Box::new(error) };
        };
        let status = answer.raw().status().as_u16();
        let code = answer.err().code().map_or_else(|| format!("status {status}"), str::to_owned);
        let message = answer.err().message().unwrap_or_default().to_owned();
        match (code.as_str(), status) {
            ("NoSuchBucket", _) => Error::NoBucket { bucket },
            ("NoSuchKey", _) => Error::NoObject { bucket, key: self.key.into() },
            (_, 401 | 403) => Error::Refused { bucket, verb: self.verb, code },
            _ => Error::Failed { bucket, code, message },
        }
    }
}
