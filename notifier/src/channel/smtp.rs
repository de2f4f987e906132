//! Mail, over TLS except to this machine.

use std::time::Duration;

use aws_lc_rs::digest;
use hoop_domain::EventId;
use hoop_store::notification::delivery::Claimed;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self, PoolConfig,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};

use super::{Failure, Known, http::causes};
use crate::message::{Message, short};

/// Connections to one server.
const CONNECTIONS: u32 = 4;
const LONGEST_REASON: usize = 300;
/// "Log in first", "wrong password" and the like: for the administrator to correct, not for
/// mail to be lost over.
const LOGIN: &[&str] = &["530", "534", "535", "538"];

/// A mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({})", self.from)
    }
}

impl Smtp {
    pub(super) fn new(known: Known<'_>, patience: Duration) -> Result<Self, Failure> {
        let host = known.needed("host")?;
        let port = match known.setting("port") {
            None => 587,
            Some(text) => text.parse().map_err(|_| wrong("port", "is not a port"))?,
        };
        let tls = match known.setting("tls") {
            None if port == 465 => "implicit",
            None => "starttls",
            Some(word) => word,
        };
        let tls = match tls {
            "starttls" => Tls::Required(parameters(known, host)?),
            "implicit" => Tls::Wrapper(parameters(known, host)?),
            "off" if loopback(host) => Tls::None,
            "off" => return Err(wrong("tls", "is off, which it may be on this machine only")),
            _ => return Err(wrong("tls", "is neither starttls, implicit nor off")),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .timeout(Some(patience))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        if let Some(user) = known.setting("user") {
            let password = known.secret("password").unwrap_or_default();
            builder = builder.credentials(Credentials::new(user.into(), password.into()));
        }
        let from = known.needed("from")?;
        let from = from.parse().map_err(|_| wrong("from", "is not a mail address"))?;
        Ok(Self { transport: builder.build(), from })
    }

    pub(super) async fn send(&self, delivery: &Claimed, message: &Message) -> Result<(), Failure> {
        let to: Mailbox = delivery
            .recipient
            .parse()
            .map_err(|_| Failure::permanent("the recipient is not a mail address"))?;
        let id = message_id(delivery.event.id, &delivery.recipient, self.from.email.domain());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(to)
            .subject(message.title.clone())
            .date(delivery.event.at.into())
            .message_id(Some(id))
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
            .multipart(MultiPart::alternative_plain_html(message.text(), message.html()))
            .map_err(|error| Failure::permanent(causes(&error)))?;
        self.transport.send(mail).await.map(drop).map_err(|error| failure(&error))
    }
}

/// The same for the same event and recipient, so that a mail that comes twice can be told.
fn message_id(event: EventId, recipient: &str, domain: &str) -> String {
    let digest = digest::digest(&digest::SHA256, recipient.as_bytes());
    let hex: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("<{event}.{hex}@{domain}>")
}

fn parameters(known: Known<'_>, host: &str) -> Result<TlsParameters, Failure> {
    let mut builder = TlsParameters::builder(host.into());
    if let Some(pem) = known.setting("ca_certificate") {
        let certificate = Certificate::from_pem(pem.as_bytes());
        let certificate = certificate.map_err(|_| wrong("ca_certificate", "is not in PEM"))?;
        builder =
            builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build().map_err(|error| Failure::temporary(causes(&error)))
}

fn wrong(setting: &str, why: &str) -> Failure {
    Failure::temporary(format!("the channel's {setting} {why}"))
}

fn loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn failure(error: &smtp::Error) -> Failure {
    let login = error.status().is_some_and(|code| LOGIN.contains(&code.to_string().as_str()));
    Failure {
        why: short(&causes(error), LONGEST_REASON),
        temporary: login || !error.is_permanent(),
        pause: None,
    }
}
