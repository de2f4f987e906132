//! A TCP service that sends back what it gets.

use anyhow::Result;
use tokio::{io::AsyncWriteExt, net::TcpListener};

/// Starts it on loopback, until the runtime ends; its port.
///
/// # Errors
/// When there is no port for it.
pub async fn echo() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = client.split();
                let _copied = tokio::io::copy(&mut read, &mut write).await;
                write.shutdown().await
            });
        }
    });
    Ok(port)
}
