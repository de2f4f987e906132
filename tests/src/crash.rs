//! The crash matrix: real traffic through a whole gateway whose parts are killed, stopped and
//! cut off at seeded moments and steps, and then a look at whether anything was lost.
//!
//! A *run* is one [`Plan`](plan::Plan): a fault or two, and where the traffic goes. The same
//! seed makes the same plans. Runs share one gateway, one after another; what a run's sessions
//! left is checked beside the runs after it, since closing what a dead edge held takes a
//! minute by design.
//!
//! * [`site`]: the gateway, with a wire between any two parts.
//! * [`load`]: the traffic, and what its two ends saw.
//! * [`inject`]: the faults. [`expect`]: which sessions have to survive them.
//! * [`settle`], [`evidence`], [`check`]: what was recorded, verified and compared.

mod check;
mod evidence;
mod expect;
mod fault;
mod finale;
mod inject;
mod load;
mod plan;
mod random;
mod run;
mod settings;
mod settle;
mod site;
mod tally;

use std::{path::Path, time::Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

pub use expect::Expect;
pub use settings::Settings;
pub use tally::Tally;

use crate::stack::say;
use plan::Plan;
use settle::Settling;
use site::Site;

/// So many runs are settled beside the current one, at most.
const BESIDE: usize = 12;

/// Runs the matrix; what it found. Logs go to `logs`.
///
/// # Errors
/// When the gateway can't be started, or does not get well again after a fault. What the
/// checks find is no error but in the tally.
pub async fn run(settings: &Settings, logs: &Path) -> Result<Tally> {
    let mut site = Site::start(settings, logs).await?;
    let mut tally = Tally::new(settings.seed);
    let began = Instant::now();
    let mut settling = JoinSet::new();
    let mut number = settings.first;
    while settings.wants(number, began.elapsed()) {
        let plan = Plan::make(settings, number)?;
        site.note(&format!("run {number}: {plan}"))?;
        let happened = run::run(&mut site, &plan, settings).await;
        match happened {
            Ok(left) => {
                let settle = Settling::new(&site, plan, left, settings.expect);
                let runtime = tokio::runtime::Handle::current();
                settling.spawn_blocking(move || runtime.block_on(settle.settle()));
            }
            Err(error) => {
                tally.stopped(&plan, &error);
                break;
            }
        }
        while BESIDE <= settling.len() || has_ready(&mut settling, &mut tally)? {
            if BESIDE <= settling.len() {
                take(settling.join_next().await, &mut tally)?;
            }
        }
        number += 1;
    }
    while let Some(settled) = settling.join_next().await {
        take(Some(settled), &mut tally)?;
    }
    finale::look(&mut site, &mut tally).await;
    site.stop(&mut tally);
    Ok(tally)
}

type Settled = Result<settle::Report, tokio::task::JoinError>;

fn has_ready(settling: &mut JoinSet<settle::Report>, tally: &mut Tally) -> Result<bool> {
    match settling.try_join_next() {
        Some(settled) => take(Some(settled), tally).map(|()| true),
        None => Ok(false),
    }
}

fn take(settled: Option<Settled>, tally: &mut Tally) -> Result<()> {
    if let Some(report) = settled.transpose()? {
        say(&report.line());
        tally.add(&report);
    }
    Ok(())
}

/// `stack crash …`: the same for people, with a table at the end.
pub(crate) async fn command(arguments: &[&str], logs: &Path) -> Result<()> {
    let settings = Settings::parse(arguments)?;
    say(&format!("seed {}, logs in {}", settings.seed, logs.display()));
    let tally = run(&settings, logs).await?;
    say(&tally.table());
    if let Some(file) = &settings.json {
        std::fs::write(file, tally.json().to_string())?;
    }
    ensure!(
        tally.violations().is_empty(),
        "{} violations; to repeat: cargo xtask crash --seed {} --runs {}; logs: {}",
        tally.violations().len(),
        settings.seed,
        tally.runs(),
        logs.display()
    );
    Ok(())
}
