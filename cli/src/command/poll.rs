//! What takes its time at the gateway: looked at again and again.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::context::Context;

/// Between two looks: the person is told soon, and the gateway is not asked all the time.
const LOOK: Duration = Duration::from_secs(1);

/// Who has waited so long looks for themselves.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What is at `path`, once it is `done`; after a day, `late` is said. A gateway that is away for
/// a while is waited for.
pub(crate) async fn until(
    context: &Context,
    path: &[&str],
    done: impl Fn(&Value) -> bool,
    late: &str,
) -> Result<Value> {
    let since = Instant::now();
    loop {
        match context.api.get(path, &()).await {
            Ok(thing) if done(&thing) => return Ok(thing),
            Ok(_) => {}
            Err(error) if error.may_pass() => {}
            Err(error) => return Err(error.into()),
        }
        ensure!(since.elapsed() <= LONGEST, "{late}");
        sleep(LOOK).await;
    }
}
