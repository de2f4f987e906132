//! Sessions that open and close all the time, so that faults meet those, too.

use std::time::Duration;

use super::{Pulse, Trouble};
use crate::Access;

const BREATH: Duration = Duration::from_millis(100);
/// While a part is away, a login may wait for as long as the client's patience.
const LONGEST: Duration = Duration::from_secs(90);

/// One `psql` after another. A refusal is none of the trouble, a wrong answer is.
pub(super) async fn run(access: Access, name: String, mut pulse: Pulse) -> Result<(), Trouble> {
    let mut number = 0;
    loop {
        let word = format!("{name}-{number}-{:x}", pulse.random.next());
        let mut psql = access.psql();
        psql.env("PGSSLMODE", "disable").env("PGGSSENCMODE", "disable");
        psql.args(["-At", "-c", &format!("select '{word}'")]);
        let output = tokio::time::timeout(LONGEST, psql.output()).await;
        if let Ok(output) = output {
            let output = output?;
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if output.status.success() && said != word {
                return Err(Trouble::Wrong(format!("{said:?} for {word:?}")));
            }
        }
        number += 1;
        if !pulse.goes_on(BREATH).await {
            return Ok(());
        }
    }
}
