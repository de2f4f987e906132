//! What the schema allows endpoints to say. Numbers and flags of a session come from the
//! gateway only (invariant 8), so no frame of an endpoint has a field for one.

use std::collections::{BTreeMap, BTreeSet};

/// The fields of every message, as `(name, type)`; the type is a message's name or a scalar's.
type Messages = BTreeMap<String, Vec<(String, String)>>;

#[cfg(test)]
fn schema() -> Messages {
    let root = env!("CARGO_MANIFEST_DIR");
    let set = protox::compile(["protobuf/transport.proto"], [root]).unwrap();
    let mut messages = Messages::new();
    for message in set.file.iter().flat_map(|file| &file.message_type) {
        let fields = message.field.iter().map(|field| {
            let named = field.type_name().rsplit('.').next().filter(|name| !name.is_empty());
            let kind = named.unwrap_or_else(|| field.r#type().as_str_name());
            (field.name().to_owned(), kind.to_owned())
        });
        messages.insert(message.name().to_owned(), fields.collect());
    }
    messages
}

/// `Message.field` of every field of that `kind` that an endpoint can send.
fn sent_by_endpoints(kind: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let schema = schema();
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut next = vec!["Up".to_owned()];
    while let Some(message) = next.pop() {
        if !seen.insert(message.clone()) {
            continue;
        }
        for (field, of_kind) in schema.get(&message).into_iter().flatten() {
            if kind(of_kind) {
                found.insert(format!("{message}.{field}"));
            }
            next.push(of_kind.clone());
        }
    }
    assert!(seen.contains("Payload"), "{seen:?}");
    found
}

fn named(fields: &[&str]) -> BTreeSet<String> {
    fields.iter().map(|&field| field.to_owned()).collect()
}

#[test]
fn no_frame_of_an_endpoint_has_a_field_for_a_sequence_number() {
    let number = |kind: &str| kind.contains("INT") || kind.contains("FIXED");
    let known = named(&[
        // Which of the session's own channels, and how much it takes.
        "Payload.channel",
        "Credit.channel",
        "Credit.total",
        "ClientHello.window",
        // For how long access is asked for; who approves it says for how long it is given.
        "ClientHello.access_seconds",
        // What has arrived at this end: about the gateway's packets, and never about its own.
        "ResumeHello.received_seq",
        "ResumeHello.received_payloads",
        // How much an end has sent and granted in all; it can only lie about its own session.
        "ChannelState.channel",
        "ChannelState.spent",
        "ChannelState.total",
        "ChannelState.granted",
        // What happened at the target, or in a terminal.
        "ChannelExit.code",
        "ChannelExit.signal",
        "Terminal.columns",
        "Terminal.rows",
        "TerminalResize.columns",
        "TerminalResize.rows",
    ]);
    assert_eq!(sent_by_endpoints(number), known);
}

#[test]
fn no_frame_of_an_endpoint_has_a_field_for_a_flag() {
    let flag = |kind: &str| {
        kind == "TYPE_BOOL" || (!kind.starts_with("TYPE_") && !schema().contains_key(kind))
    };
    // It closes the sender's own channel for reading, too.
    assert_eq!(sent_by_endpoints(flag), named(&["ChannelClose.abort"]));
}

#[test]
fn only_a_hello_names_a_session_and_proves_it_with_a_token() {
    let schema = schema();
    let has = |message: &str, field: &str| {
        schema.get(message).is_some_and(|fields| fields.iter().any(|(name, _)| name == field))
    };
    let naming = sent_by_endpoints(|kind| kind == "TYPE_BYTES");
    let naming: Vec<_> = naming.iter().filter_map(|field| field.strip_suffix(".session")).collect();
    // An agent refuses a session that was offered to it and never had one.
    assert_eq!(naming, ["AttachHello", "OpenRefused", "ResumeHello"]);
    assert!(has("AttachHello", "token") && has("ResumeHello", "token"));
}

#[test]
fn no_frame_of_an_endpoint_is_a_packet() {
    for gateway in ["Packet", "SessionStart", "SessionResumed"] {
        let sent = sent_by_endpoints(|kind| kind == gateway);
        assert!(sent.is_empty(), "{sent:?}");
    }
}
