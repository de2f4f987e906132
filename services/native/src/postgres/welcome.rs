//! What a client that is let in gets to read.

use hoop_wire::postgres::{
    auth::Request,
    backend::{backend_key_data, negotiate_protocol_version, parameter_status, ready_for_query},
    startup::{CancelKey, Startup},
};

use crate::notices::Notices;

/// The message that says "less than you asked for", where it is needed.
pub(super) fn negotiation(startup: &Startup) -> Vec<u8> {
    let mut out = Vec::new();
    if startup.needs_negotiation() {
        negotiate_protocol_version(&mut out, startup.version(), &startup.options);
    }
    out
}

/// Everything from the end of the login to the first query, for one write. The parameters
/// are the target's; the key is ours: a cancel request comes to us first.
pub(super) fn welcome(
    mut out: Vec<u8>,
    parameters: &[(String, String)],
    key: &CancelKey,
    notices: &mut Notices,
) -> Vec<u8> {
    Request::Ok.encode(&mut out);
    for (name, value) in parameters {
        parameter_status(&mut out, name, value);
    }
    backend_key_data(&mut out, key);
    out.append(&mut notices.take());
    ready_for_query(&mut out);
    out
}
