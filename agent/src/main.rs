//! The `hoop-agent` process.

use std::{
    io::{Write, stdin},
    process::ExitCode,
};

use hoop_agent::{Config, HELP, guard};
use hoop_runtime::process;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None | Some("--version") => {}
        Some("--help" | "-h") => {
            let _ = std::io::stdout().write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        // The agent itself starts this; see the module.
        Some("--guard") => return guard::run(stdin().lock()),
        Some(_) => {
            let usage = b"hoop-agent: takes no arguments; see hoop-agent --help\n";
            let _ = std::io::stderr().write_all(usage);
            return ExitCode::from(2);
        }
    }
    process::run("hoop-agent", |env, drain| async move {
        let mut config = Config::from_env(&env)?;
        // Not by its name: the file may have been replaced since.
        config.guard = Some("/proc/self/exe".into());
        let agent = config.build()?;
        agent.run(drain).await;
        Ok(())
    })
}
