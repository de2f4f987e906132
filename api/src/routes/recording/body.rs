//! A packet as JSON.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat};
use hoop_domain::Direction;
use hoop_proto::v1::{self, channel_open::Kind, packet::Body};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// A recorded packet.
#[derive(Serialize, ToSchema)]
pub(crate) struct PacketResponse {
    /// From 1 in each direction.
    seq: u64,
    /// `in`, from the user, or `out`, from the target.
    direction: &'static str,
    /// When the gateway took it in.
    at: String,
    /// The TCP connection, terminal or command within the session; 0 is the session itself.
    channel: u32,
    /// `data`, `session_start`, `channel_open` and so on.
    kind: &'static str,
    /// Bytes of data.
    size: usize,
    /// The bytes, in base64; empty but for `data`.
    data: String,
    /// What a packet of another kind says.
    #[serde(skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Option<Object>)]
    detail: Value,
    /// The hash chain's head after this packet, in hexadecimal.
    chain: String,
}

impl From<v1::Packet> for PacketResponse {
    fn from(packet: v1::Packet) -> Self {
        let (kind, data, detail) = match &packet.body {
            Some(Body::Data(data)) => ("data", data.clone(), Value::Null),
            Some(Body::Stderr(data)) => ("stderr", data.clone(), Value::Null),
            other => {
                let (kind, detail) = describe(other.as_ref());
                (kind, bytes::Bytes::new(), detail)
            }
        };
        Self {
            seq: packet.seq,
            direction: packet.travels().map_or("", Direction::as_str),
            at: instant(packet.at),
            channel: packet.channel,
            kind,
            size: data.len(),
            data: STANDARD.encode(&data),
            detail,
            chain: hex(&packet.chain),
        }
    }
}

impl PacketResponse {
    /// What it takes of a page.
    pub(crate) const fn size(&self) -> usize {
        self.data.len()
    }
}

/// Microseconds since the epoch, as people and programs read them.
pub(crate) fn instant(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tokens' digests are left out: they are nobody's business but the edges'.
fn describe(body: Option<&Body>) -> (&'static str, Value) {
    match body {
        None | Some(Body::Data(_) | Body::Stderr(_)) => ("unknown", Value::Null),
        Some(Body::SessionStart(start)) => (
            "session_start",
            json!({
                "user_email": start.user_email,
                "connection_name": start.connection_name,
                "client_address": start.client_address,
                "client_application": start.client_application,
            }),
        ),
        Some(Body::SessionResumed(resumed)) => ("session_resumed", json!({ "edge": resumed.edge })),
        Some(Body::ChannelOpen(open)) => ("channel_open", channel_open(open)),
        Some(Body::ChannelReady(ready)) => {
            ("channel_ready", json!({ "parameters": parameters(&ready.parameters) }))
        }
        Some(Body::ChannelClose(close)) => ("channel_close", json!({ "abort": close.abort })),
        Some(Body::ChannelFailed(failed)) => {
            ("channel_failed", json!({ "code": failed.code, "message": failed.message }))
        }
        Some(Body::SessionEnd(end)) => {
            ("session_end", json!({ "code": end.code, "message": end.message }))
        }
        Some(Body::ChannelCancel(_)) => ("channel_cancel", Value::Null),
        Some(Body::TerminalResize(resize)) => {
            ("terminal_resize", json!({ "columns": resize.columns, "rows": resize.rows }))
        }
        Some(Body::ChannelExit(exit)) => {
            ("channel_exit", json!({ "code": exit.code, "signal": exit.signal }))
        }
    }
}

fn channel_open(open: &v1::ChannelOpen) -> Value {
    match &open.kind {
        Some(Kind::Postgres(postgres)) => {
            json!({ "protocol": "postgres", "parameters": parameters(&postgres.parameters) })
        }
        Some(Kind::Tcp(_)) => json!({ "protocol": "tcp" }),
        Some(Kind::Exec(exec)) => json!({
            "protocol": "exec",
            "arguments": exec.arguments,
            "terminal": exec.terminal.as_ref().map(|terminal| json!({
                "term": terminal.term, "columns": terminal.columns, "rows": terminal.rows,
            })),
        }),
        None => Value::Null,
    }
}

fn parameters(list: &[v1::Parameter]) -> Map<String, Value> {
    list.iter().map(|one| (one.name.clone(), one.value.clone().into())).collect()
}
