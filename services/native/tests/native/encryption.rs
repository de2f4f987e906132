//! TLS: on request, from the first byte, and not at all.

use std::sync::Arc;

use hoop_wire::{certificate, postgres::startup};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    gateway::Running,
    raw::{connect, error, log_in, query, rest, settings},
};

#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

async fn shake_hands(io: TcpStream, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, io).await
}

fn hash(tls: &TlsStream<TcpStream>) -> Vec<u8> {
    let certificates = tls.get_ref().1.peer_certificates().unwrap();
    certificate::end_point(&certificates[0]).unwrap()
}

#[tokio::test]
async fn tls_may_begin_with_the_first_byte() {
    let running = Running::start().await;
    let mut tls = shake_hands(connect(running.address).await, &[b"postgresql"]).await.unwrap();
    let hash = hash(&tls);
    log_in(&mut tls, settings("pg", Some(hash)), |_| {}).await.unwrap();
    query(&mut tls, "select 1").await;
    let mut answer = [0; 5];
    tls.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer[0], b'T');
}

#[tokio::test]
async fn tls_from_the_first_byte_needs_the_protocols_name() {
    let running = Running::start().await;
    let mut tls = shake_hands(connect(running.address).await, &[]).await.unwrap();
    assert_eq!(error(&rest(&mut tls).await).sqlstate, "08P01");
    assert!(shake_hands(connect(running.address).await, &[b"h2"]).await.is_err());
}

#[tokio::test]
async fn somebody_in_between_with_another_certificate_is_noticed() {
    let running = Running::start().await;
    let mut tls = shake_hands(connect(running.address).await, &[b"postgresql"]).await.unwrap();
    let refusal = log_in(&mut tls, settings("pg", Some(vec![0; 32])), |_| {}).await.unwrap_err();
    assert_eq!(refusal.sqlstate, "28000");
    assert!(refusal.message.contains("another TLS certificate"), "{}", refusal.message);
}

#[tokio::test]
async fn bytes_in_clear_behind_the_request_for_tls_are_refused() {
    let running = Running::start().await;
    let mut io = connect(running.address).await;
    let mut injected = startup::ssl_request();
    injected.extend_from_slice(b"injected");
    io.write_all(&injected).await.unwrap();
    let refusal = error(&rest(&mut io).await);
    assert_eq!(refusal.sqlstate, "08P01");
    assert!(refusal.message.contains("unencrypted data"), "{}", refusal.message);
}

#[tokio::test]
async fn gssapi_is_refused_and_tls_may_follow() {
    let running = Running::start().await;
    let mut io = connect(running.address).await;
    let mut answer = [0; 1];
    io.write_all(&[0, 0, 0, 8, 4, 210, 22, 48]).await.unwrap();
    io.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"N");
    io.write_all(&startup::ssl_request()).await.unwrap();
    io.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"S");
    let mut tls = shake_hands(io, &[]).await.unwrap();
    let hash = hash(&tls);
    log_in(&mut tls, settings("pg", Some(hash)), |_| {}).await.unwrap();
}

#[tokio::test]
async fn tls_is_not_negotiated_twice() {
    let running = Running::start().await;
    let mut tls = shake_hands(connect(running.address).await, &[b"postgresql"]).await.unwrap();
    tls.write_all(&startup::ssl_request()).await.unwrap();
    assert_eq!(error(&rest(&mut tls).await).sqlstate, "08P01");
}
