//! What a process shows at `/metrics`.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Service;

impl Service {
    /// The sample of `series`, which is a name with its labels.
    ///
    /// # Errors
    /// When the process does not run, or shows no such thing.
    pub async fn metric(&mut self, series: &str) -> Result<f64> {
        let printed = self.process()?.printed();
        let ready = printed.lines().find_map(|line| line.strip_prefix("READY "));
        let ready: Value = serde_json::from_str(ready.context("it is not ready")?)?;
        let address = ready.get("metrics").and_then(Value::as_str).context("it has no metrics")?;
        let page = reqwest::get(format!("http://{address}/metrics")).await?.text().await?;
        let sample = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let sample = sample.with_context(|| format!("it shows no {series}"))?;
        Ok(sample.parse()?)
    }
}
