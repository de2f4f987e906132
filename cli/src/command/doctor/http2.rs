//! Whether what answers speaks HTTP/2, found out by beginning to.

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{network::PATIENCE, report::Broken};

/// How every connection begins, and settings of which there are none.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The kind of frame that the answer begins with.
const SETTINGS: u8 = 4;

/// How a TLS record begins that says no.
const ALERT: u8 = 21;

pub(super) async fn greet(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) -> Result<((), String), Broken> {
    let mut head = [0; 9];
    let greeted = timeout(PATIENCE, async {
        stream.write_all(PREFACE).await?;
        stream.flush().await?;
        stream.read_exact(&mut head).await
    })
    .await;
    let proxy = "let the proxy pass HTTP/2 on (nginx: `listen … ssl http2` and `grpc_pass`; ALB: \
                 a target group of protocol version gRPC), or check the port";
    if head.starts_with(b"HTTP/1.") {
        return Err(Broken::new("what answers there speaks HTTP/1.1 and no HTTP/2", proxy));
    }
    if head.first() == Some(&ALERT) {
        let what = "what answers there speaks TLS";
        return Err(Broken::new(what, "let the URL begin with grpcs://"));
    }
    match (greeted, head.get(3)) {
        (Ok(Ok(_)), Some(&SETTINGS)) => Ok(((), "HTTP/2".into())),
        (Ok(Ok(_)), _) => Err(Broken::new("what answers there speaks no HTTP/2", proxy)),
        (Ok(Err(error)), _) => {
            let what = format!("what answers there hangs up when it is greeted in HTTP/2: {error}");
            Err(Broken::new(what, proxy))
        }
        (Err(_), _) => Err(Broken::new("what answers there says nothing in HTTP/2", proxy)),
    }
}
