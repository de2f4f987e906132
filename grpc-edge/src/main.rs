//! The `hoop-grpc-edge` process.

use std::process::ExitCode;

use hoop_grpc_edge::Config;
use hoop_runtime::process;

fn main() -> ExitCode {
    process::run("hoop-grpc-edge", |env, drain| async move {
        let config = Config::from_env(&env)?;
        let edge = config.build().await?;
        process::ready("hoop-grpc-edge", &edge.addresses());
        edge.run(drain).await
    })
}
