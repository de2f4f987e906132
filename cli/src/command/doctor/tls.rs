//! The handshake: who is at the other end, and since when this machine trusts them.

use std::sync::Arc;

use hoop_wire::certificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    network::{PATIENCE, Place},
    report::Broken,
};

/// Renewing a certificate takes people; this is when they should hear of it.
const SOON: i64 = 7;

/// Shakes hands as the rest of this command would.
pub(super) async fn shake(
    place: &Place,
    stream: TcpStream,
    protocols: &[&[u8]],
) -> Result<(TlsStream<TcpStream>, String), Broken> {
    let name = ServerName::try_from(place.host.clone())
        .map_err(|_| Broken::new("the host's name is none", "correct the URL"))?;
    let connector = TlsConnector::from(Arc::new(config(protocols)?));
    let shaken = timeout(PATIENCE, connector.connect(name, stream)).await;
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
            return Err(cause.map_or_else(
                || not_tls(&format!("the connection ended in the handshake: {error}")),
                |cause| explain(place, cause),
            ));
        }
        Err(_) => return Err(not_tls("nobody answers in the handshake")),
    };
    let detail = certificate_of(&stream)?;
    Ok((stream, detail))
}

fn config(protocols: &[&[u8]]) -> Result<ClientConfig, Broken> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let what = "this machine trusts no authority at all";
        let fix = "install the package ca-certificates, or set SSL_CERT_FILE to a file of some";
        return Err(Broken::new(what, fix));
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// What is good about a certificate that is trusted, unless it soon is not any more.
fn certificate_of(stream: &TlsStream<TcpStream>) -> Result<String, Broken> {
    let (_, connection) = stream.get_ref();
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    };
    let first: Option<&CertificateDer<'_>> = connection.peer_certificates().and_then(<[_]>::first);
    let Some(ends) = first.and_then(|first| certificate::not_after(first)) else {
        return Ok(format!("{version}, certificate trusted"));
    };
    let days = (ends - chrono::Utc::now().timestamp()) / 86_400;
    if days < SOON {
        let what = format!("its certificate ends in {days} days");
        return Err(Broken::new(what, "renew it, at the proxy or at GRPC_TLS_CERT_PATH"));
    }
    Ok(format!("{version}, certificate trusted, for {days} more days"))
}

fn not_tls(what: &str) -> Broken {
    let fix = "check the port; for one without TLS the URL begins with http:// or grpc://";
    Broken::new(what, fix)
}

fn explain(place: &Place, error: &Error) -> Broken {
    let host = &place.host;
    let certificate = match error {
        Error::InvalidCertificate(certificate) => certificate,
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            let what = "it speaks TLS and no HTTP/2";
            let fix = "turn HTTP/2 on at this port of the proxy (nginx: `listen … ssl http2`)";
            return Broken::new(what, fix);
        }
        Error::InvalidMessage(_) => return not_tls("what answers there speaks no TLS"),
        other => return not_tls(&format!("the handshake failed: {other}")),
    };
    match certificate {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Broken::new(
            "its certificate is signed by nobody whom this machine trusts",
            "install the authority's certificate on this machine, or set SSL_CERT_FILE to a \
             file with it; or give the proxy the whole chain",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            let what = "its certificate has expired, or this machine's clock is wrong";
            Broken::new(what, "renew the certificate; `date` shows the clock")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            let what = "its certificate is not valid yet, or this machine's clock is wrong";
            Broken::new(what, "set the clock; `date` shows it")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let what = format!("its certificate is for another name than {host}");
            Broken::new(what, "use the name in the certificate, or get one for this name")
        }
        other => {
            let what = format!("its certificate can't be trusted: {other}");
            Broken::new(what, "get another certificate")
        }
    }
}
