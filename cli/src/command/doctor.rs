//! `hoop doctor`: every hop from here to the gateway, and which of them is broken.
//!
//! Each hop is tried by itself, in the order in which a packet meets them, so that the first
//! one that is broken is the one to repair. What lies behind it is not tried.

mod api;
mod grpc;
mod http2;
mod network;
mod report;
mod settings;
mod tls;

use anyhow::Result;
use hoop_runtime::Env;

use crate::{args::Format, output};
use report::Report;

/// Hops that have the address of the API before them.
const API: [&str; 6] = ["api dns", "api tcp", "api tls", "api health", "clock", "sign-in"];
/// Hops that have the address of the edges before them.
const GRPC: [&str; 6] =
    ["grpc dns", "grpc tcp", "grpc tls", "grpc http/2", "grpc path", "grpc stream"];

/// Looks at everything; the exit code is 0 when all is well.
pub(crate) async fn run(env: &Env, format: Format) -> Result<u8> {
    let mut report = Report::default();
    match settings::look(env, &mut report) {
        None => report.skip(API.into_iter().chain(GRPC), "config"),
        Some(known) => {
            api::look(&known, &mut report).await;
            grpc::look(&known, &mut report).await;
        }
    }
    if format == Format::Json {
        output::print_json(&report.json())?;
    } else {
        output::print(&report.text())?;
    }
    Ok(u8::from(!report.all_well()))
}
