//! What the audit-writer signed of where the audit log ended, at one time and another.

use anyhow::{Context as _, Result};
use hoop_domain::manifest::{LogHead, PublicKey};
use hoop_recording::Head;
use serde::Deserialize;

use super::{
    keys,
    log::Mark,
    pages::{Listed, Pages},
    report::{Log, Report},
};
use crate::context::Context;

/// An end that was signed, as the gateway lists it.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    position: u64,
    head: String,
    signature: String,
    public_key: String,
}

impl Listed for Item {
    type Place = u64;
    const PATH: &'static [&'static str] = &["audit", "logs", "heads"];

    fn place(&self) -> u64 {
        self.position
    }
}

/// Reads all of them; what is signed well is added to `marks`, what is wrong to `log`.
pub(super) async fn load(
    trusted: &[PublicKey],
    context: &Context,
    report: &mut Report,
    log: &mut Log,
    marks: &mut Vec<Mark>,
) -> Result<()> {
    let mut items = Pages::<Item>::new(&context.api, None);
    while let Some(item) = items.next().await? {
        match open(&item, trusted, report)? {
            Ok(head) => marks.push(Mark { head, signed: true }),
            Err((code, why)) => {
                log.findings.push((code, format!("line {}: {why}", item.position)));
            }
        }
    }
    Ok(())
}

type Wrong = (&'static str, &'static str);

/// The end that was signed, if it was.
fn open(item: &Item, trusted: &[PublicKey], report: &mut Report) -> Result<Result<Head, Wrong>> {
    let (signature, key) = keys::signature(&item.signature, &item.public_key)
        .with_context(|| format!("the audit log's end at line {}", item.position))?;
    report.key(key.id());
    if !trusted.is_empty() && !trusted.contains(&key) {
        return Ok(Err(("log_untrusted_key", "its end is signed with a key that is not trusted")));
    }
    if key.verify(&item.head, &signature).is_err() {
        return Ok(Err((
            "log_wrong_signature",
            "its end is not signed with the key that it names",
        )));
    }
    Ok(match LogHead::parse(&item.head) {
        Ok(head) if head.line == item.position => {
            Ok(Head { position: head.line, digest: head.digest })
        }
        _ => Err(("log_invalid_head", "what is signed is no end of an audit log")),
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hoop_domain::{OrgId, manifest::SigningKey};

    use super::*;

    #[test]
    fn only_what_a_trusted_key_signed_is_believed() {
        let key = SigningKey::from_seed(&[7; 32]).unwrap();
        let head = LogHead {
            org: OrgId::generate(),
            line: 3,
            digest: [1; 32],
            manifest: 0,
            manifest_digest: [0; 32],
            signed_at: hoop_domain::time::from_micros(1),
        };
        let text = head.encode();
        let item = |position, head: &str| Item {
            position,
            head: head.into(),
            signature: STANDARD.encode(key.sign(&text)),
            public_key: STANDARD.encode(key.public_key().0),
        };
        let check = |item: &Item, trusted: &[PublicKey]| {
            let mut report = Report::new(true, false);
            open(item, trusted, &mut report).unwrap().map_err(|(code, _)| code)
        };
        let good = Head { position: 3, digest: [1; 32] };
        assert_eq!(check(&item(3, &text), &[]), Ok(good));
        assert_eq!(check(&item(3, &text), &[key.public_key()]), Ok(good));
        assert_eq!(check(&item(4, &text), &[]), Err("log_invalid_head"));
        assert_eq!(check(&item(3, &text), &[PublicKey([9; 32])]), Err("log_untrusted_key"));
        let changed = text.replace("line 3", "line 4");
        assert_eq!(check(&item(4, &changed), &[]), Err("log_wrong_signature"));
    }
}
