//! What every `main` does: one runtime, one environment, signals to a drain, one error line.

use std::{future::Future, io::Write, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Drain, Env, metrics,
    reports::{Reports, UntilTheEnd},
    shutdown::DrainHandle,
    telemetry,
};

/// Runs `service` until it returns. SIGTERM and SIGINT begin the drain; a second one ends
/// the process at once. An error is printed once, with its causes, and the exit code is 1.
pub fn run<F, S>(name: &'static str, service: S) -> ExitCode
where
    S: FnOnce(Env, Drain) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    if std::env::args().nth(1).is_some_and(|first| first == "--version") {
        say(&format!("{name} {}", env!("CARGO_PKG_VERSION")));
        return ExitCode::SUCCESS;
    }
    match start(name, service) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start<F, S>(name: &'static str, service: S) -> anyhow::Result<()>
where
    S: FnOnce(Env, Drain) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    let env = Env::from_process()?;
    let reports = Reports::of_process(&env, name)?;
    // First of all: what is sent to others is sent over TLS.
    install_crypto();
    // Dropped last, both: what ends with the process is in traces and reports, too.
    let _traces = telemetry::init(&env, name)?;
    let _reporting = UntilTheEnd;
    reports.begin(name);
    for variable in env.unused() {
        tracing::warn!("{variable} is set and does nothing in this version");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        metrics::serve(&env, name.trim_start_matches("hoop-")).await?;
        let (handle, drain) = Drain::new();
        tokio::spawn(watch_signals(handle));
        service(env, drain).await
    })
}

/// Makes aws-lc-rs the process's TLS provider. Harmless when it is already.
pub fn install_crypto() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

#[expect(clippy::exit, reason = "a second signal means now")]
async fn watch_signals(handle: DrainHandle) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals can't be watched; stop the process with SIGKILL");
        return;
    };
    for again in [false, true] {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if again {
            std::process::exit(130);
        }
        tracing::info!("draining; a second signal ends the process at once");
        handle.begin();
    }
}

/// Prints the line that says what listens where: `READY {"process":…}`.
pub fn ready(process: &str, addresses: &[(&str, String)]) {
    let mut fields = serde_json::Map::new();
    fields.insert("process".into(), process.into());
    for (name, address) in addresses {
        fields.insert((*name).into(), address.as_str().into());
    }
    if let Some(address) = metrics::address() {
        fields.insert("metrics".into(), address.to_string().into());
    }
    say(&format!("READY {}", serde_json::Value::Object(fields)));
}

/// A line on stdout. A closed stdout is no reason to die.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
