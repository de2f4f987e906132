//! The `hoop-audit-writer` process.

use std::process::ExitCode;

use hoop_audit_writer::Config;
use hoop_runtime::process;

const NAME: &str = "hoop-audit-writer";

fn main() -> ExitCode {
    process::run(NAME, |env, drain| async move {
        let service = Config::from_env(&env)?.build().await?;
        service.run(drain, || process::ready(NAME, &[])).await;
        Ok(())
    })
}
