//! The `hoop-api` process.

use std::process::ExitCode;

use anyhow::Context;
use hoop_api::Config;

fn main() -> ExitCode {
    hoop_runtime::process::run("hoop-api", |env, drain| async move {
        let env = hoop_providers::kms::unwrapped(env).await?;
        let service = Config::from_env(&env)?.build().await.context("start hoop-api")?;
        service.run(drain).await.context("run hoop-api")
    })
}
