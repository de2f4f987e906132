//! Waiting for a state instead of sleeping.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The variable that holds the patience in seconds, for slow machines.
const PATIENCE: &str = "TESTKIT_PATIENCE";
const DEFAULT_PATIENCE: Duration = Duration::from_secs(30);

/// How long a test waits for something before it calls it missing.
#[must_use]
pub fn patience() -> Duration {
    std::env::var_os(PATIENCE)
        .and_then(|text| text.to_str()?.parse().ok())
        .map_or(DEFAULT_PATIENCE, Duration::from_secs)
}

/// Asks until the answer is `Ok`, for as long as [`patience`] lasts.
///
/// `what` completes the sentence "waiting for …".
///
/// # Errors
/// The last error of `attempt`, when patience is over.
pub async fn eventually<T>(what: &str, attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    within(patience(), what, attempt).await
}

/// The same for what takes its time by design: as many times [`patience`] as it may take.
///
/// # Errors
/// The last error of `attempt`, when that is over.
pub async fn eventually_after<T>(
    patiences: u32,
    what: &str,
    attempt: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    within(patience() * patiences, what, attempt).await
}

async fn within<T>(
    limit: Duration,
    what: &str,
    mut attempt: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(10);
    loop {
        match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(error) if limit <= started.elapsed() => {
                return Err(error)
                    .with_context(|| format!("waited {:?} for {what} in vain", started.elapsed()));
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 3 / 2).min(Duration::from_millis(250));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_asks_until_the_answer_is_good() {
        let mut asked = 0;
        let answer = eventually("the third answer", async || {
            asked += 1;
            anyhow::ensure!(asked == 3, "only {asked}");
            Ok(asked)
        })
        .await;
        assert_eq!(answer.unwrap(), 3);
    }
}
