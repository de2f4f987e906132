//! Checksums: each part has one on its way to the store, and what comes back is compared.

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{BUCKET, noise, objects, requests, tapped};

/// More than two parts, and the last one shorter.
const LARGE: usize = 12 * 1024 * 1024 + 5;
const PART: usize = 5 * 1024 * 1024;

#[tokio::test]
async fn every_part_of_a_large_object_carries_its_checksum() -> Result<()> {
    let (s3, tap) = tapped().await?;
    s3.bucket(BUCKET).await?;
    let bucket = objects(tap.port).await;
    bucket.put("large", noise(LARGE)).await?;
    let requests = requests(&tap);
    let parts: Vec<_> = requests.iter().filter(|head| head.contains("partNumber=")).collect();
    ensure!(parts.len() == LARGE.div_ceil(PART), "{requests:#?}");
    for part in parts {
        // In the head, or announced there and sent after the bytes.
        let checked = part.contains("x-amz-checksum-crc32: ")
            || part.contains("x-amz-trailer: x-amz-checksum-crc32");
        ensure!(checked, "{part}");
    }
    // The store puts together the parts with these checksums, or nothing.
    let sent = String::from_utf8_lossy(&tap.from_client()).into_owned();
    let (_, completion) = sent.rsplit_once("<CompleteMultipartUpload").context("no completion")?;
    ensure!(completion.matches("<ChecksumCRC32>").count() == 3, "{completion}");
    let head = s3.head(BUCKET, "large").await?;
    let length = head.get("content-length").map(String::as_str);
    ensure!(length == Some(LARGE.to_string().as_str()), "{head:?}");
    ensure!(bucket.get("large").await? == noise(LARGE));
    Ok(())
}

#[tokio::test]
async fn a_small_object_has_the_checksum_of_its_bytes() -> Result<()> {
    let (s3, tap) = tapped().await?;
    s3.bucket(BUCKET).await?;
    objects(tap.port).await.put("small", b"123456789".as_slice().into()).await?;
    let head = s3.head(BUCKET, "small").await?;
    // The check value of CRC-32, cbf43926, in base64.
    let checksum = head.get("x-amz-checksum-crc32").map(String::as_str);
    ensure!(checksum == Some("y/Q5Jg=="), "{head:?}");
    Ok(())
}

#[tokio::test]
async fn bytes_that_do_not_fit_their_checksum_are_not_taken() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let store = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            let _read = client.read(&mut request).await;
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\
                          x-amz-checksum-crc32: y/Q5Jg==\r\n\r\n12345678X";
            let _written = client.write_all(answer.as_bytes()).await;
        }
    });
    let error = objects(port).await.get("damaged").await.err().context("it was taken")?;
    ensure!(format!("{error:?}").to_lowercase().contains("checksum"), "{error:?}");
    store.abort();
    Ok(())
}
