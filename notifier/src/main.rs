//! The `hoop-notifier` process.

use std::process::ExitCode;

use hoop_notifier::Config;
use hoop_runtime::process;

const NAME: &str = "hoop-notifier";

fn main() -> ExitCode {
    process::run(NAME, |env, drain| async move {
        let env = hoop_providers::kms::unwrapped(env).await?;
        let service = Config::from_env(&env)?.build().await?;
        service.run(drain, || process::ready(NAME, &[])).await;
        Ok(())
    })
}
