//! Who is told, and what arrives.

use anyhow::{Result, ensure};
use hoop_testkit::{eventually, smtp::Smtp};
use serde_json::json;

use crate::{
    Options, Rest,
    rest::text,
    stack::terminal::{quote, say},
};

/// Whom the mail is for.
const READER: &str = "security@example.com";

/// What of a mail's head is shown.
const SHOWN: [&str; 4] = ["From:", "To:", "Subject:", "Message-ID:"];

/// The notifier's settings for the mail server.
pub(super) fn settings(options: Options, mail: &Smtp) -> Options {
    options
        .with("notifier", "SMTP_HOST", "127.0.0.1")
        .with("notifier", "SMTP_PORT", mail.port().to_string())
        .with("notifier", "SMTP_TLS", "off")
        .with("notifier", "SMTP_FROM", "hoop@example.com")
}

/// Asks for mail about sessions that are over.
pub(super) async fn subscribe(rest: &Rest) -> Result<()> {
    let subscription = json!({
        "name": "sessions", "channel": "smtp", "events": ["session.closed"], "recipients": [READER],
    });
    // The notifier makes the channel of its environment once the organisation is there.
    eventually("the mail channel", async || {
        rest.post("/api/notifications/subscriptions", subscription.clone()).await
    })
    .await?;
    Ok(())
}

/// Waits for the mail about two sessions and shows it.
pub(super) async fn show(mail: &Smtp) -> Result<()> {
    let inbox = eventually("mail about two sessions", async || {
        let inbox = mail.mail()?;
        ensure!(1 < inbox.len(), "{} came", inbox.len());
        Ok(inbox)
    })
    .await?;
    for mail in &inbox {
        let head = text(mail, "data").lines().take_while(|line| !line.is_empty());
        head.filter(|line| SHOWN.iter().any(|name| line.starts_with(name))).for_each(quote);
        say("");
    }
    Ok(())
}
