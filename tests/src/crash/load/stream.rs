//! Bulk transfers: a megabyte at a time, each checked.

use std::time::Duration;

use super::{Pulse, Trouble, psql::Talker};
use crate::Access;

/// Between two transfers: about 2 MiB a second, so that a run is over soon.
const BREATH: Duration = Duration::from_millis(400);
/// Lines of one transfer, each of 1024 bytes.
const LINES: u64 = 1024;

/// `COPY` to standard output.
pub(super) async fn out(access: Access, mut pulse: Pulse) -> Result<(), Trouble> {
    let mut psql = Talker::start(&access)?;
    loop {
        let first = pulse.random.next() % 1_000_000;
        let last = first + LINES - 1;
        psql.say(&format!(
            "copy (select lpad(i::text, 1023, 'x') from generate_series({first}, {last}) i) to stdout;\n"
        ))
        .await?;
        for number in first..=last {
            let line = psql.line().await?;
            let right = line.len() == 1023 && line.trim_start_matches('x') == number.to_string();
            if !right {
                return Err(Trouble::Wrong(format!("line {number} is {} bytes", line.len())));
            }
        }
        if !pulse.goes_on(BREATH).await {
            return psql.quit().await;
        }
    }
}

/// `COPY` from standard input, into `table`.
pub(super) async fn inward(access: Access, table: String, mut pulse: Pulse) -> Result<(), Trouble> {
    let mut psql = Talker::start(&access)?;
    let mut rows = 0;
    loop {
        let mut text = format!("copy {table} from stdin;\n");
        for _ in 0..LINES {
            let number = pulse.random.next();
            text.push_str(&format!("{number:0>1023}\n"));
        }
        text.push_str(&format!("\\.\nselect count(*) from {table};\n"));
        psql.say(&text).await?;
        rows += LINES;
        let count = psql.line().await?;
        if count != rows.to_string() {
            return Err(Trouble::Wrong(format!("{count} rows are there, not {rows}")));
        }
        if !pulse.goes_on(BREATH).await {
            return psql.quit().await;
        }
    }
}
