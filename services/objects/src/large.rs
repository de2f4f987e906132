//! Large objects, in parts: a part that got lost on the way is sent again alone.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;

use crate::{Error, Objects};

/// From here on objects go in parts.
pub(crate) const LARGE: usize = 8 * 1024 * 1024;
/// S3 takes no smaller parts, but for the last.
const PART: usize = 5 * 1024 * 1024;

pub(crate) async fn put(objects: &Objects, key: &str, bytes: Bytes) -> Result<(), Error> {
    let (encryption, kms_key) = objects.encryption();
    let (lock, until) = objects.lock();
    let begun = objects
        .client
        .create_multipart_upload()
        .bucket(objects.bucket())
        .key(key)
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .set_server_side_encryption(encryption)
        .set_ssekms_key_id(kms_key)
        .set_object_lock_mode(lock)
        .set_object_lock_retain_until_date(until)
        .send()
        .await
        .map_err(|error| objects.deed(key, "write").failed(error))?;
    let upload = begun.upload_id.unwrap_or_default();
    let sent = send(objects, key, &upload, bytes).await;
    if sent.is_err() {
        // Parts that nobody completes cost money. When this fails too, a lifecycle rule of
        // the bucket removes them.
        let abort = objects.client.abort_multipart_upload().bucket(objects.bucket()).key(key);
        let _ = abort.upload_id(upload).send().await;
    }
    sent
}

async fn send(objects: &Objects, key: &str, upload: &str, mut rest: Bytes) -> Result<(), Error> {
    let mut parts = Vec::new();
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let part = rest.split_to(PART.min(rest.len()));
        let sent = objects
            .client
            .upload_part()
            .bucket(objects.bucket())
            .key(key)
            .upload_id(upload)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(part))
            .send()
            .await
            .map_err(|error| objects.deed(key, "write").failed(error))?;
        let done = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32);
        parts.push(done.build());
    }
    objects
        .client
        .complete_multipart_upload()
        .bucket(objects.bucket())
        .key(key)
        .upload_id(upload)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
        .send()
        .await
        .map(|_| ())
        .map_err(|error| objects.deed(key, "write").failed(error))
}
