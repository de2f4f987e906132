//! The `hoop-agent` process.

use std::{io::Write, process::ExitCode};

use hoop_agent::{Config, HELP};
use hoop_runtime::process;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None | Some("--version") => {}
        Some("--help" | "-h") => {
            let _ = std::io::stdout().write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            let usage = b"hoop-agent: takes no arguments; see hoop-agent --help\n";
            let _ = std::io::stderr().write_all(usage);
            return ExitCode::from(2);
        }
    }
    process::run("hoop-agent", |env, drain| async move {
        let agent = Config::from_env(&env)?.build()?;
        agent.run(drain).await;
        Ok(())
    })
}
