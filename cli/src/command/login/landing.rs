//! Where the browser comes by when the person has answered: on this machine only.
//!
//! What it brings is not read. It means "ask again now", and whoever else knocks costs one
//! question.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// How long a visitor may take.
const PATIENCE: Duration = Duration::from_secs(2);

const PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><title>hoop</title>\
    <p style=\"font:16px system-ui;margin:3rem\">Your terminal goes on; close this page.</p>";

pub(super) struct Landing {
    listener: TcpListener,
    port: u16,
}

impl Landing {
    pub(super) async fn begin() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Comes back when somebody has been here.
    pub(super) async fn visited(&self) {
        if let Ok((visitor, _)) = self.listener.accept().await {
            let _ = timeout(PATIENCE, welcome(visitor)).await;
        }
    }
}

async fn welcome(mut visitor: TcpStream) -> io::Result<()> {
    let mut head = [0; 4096];
    let _ = visitor.read(&mut head).await?;
    let length = PAGE.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{PAGE}"
    );
    visitor.write_all(answer.as_bytes()).await?;
    visitor.shutdown().await
}
