//! One run: traffic, faults, and traffic that goes on.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use hoop_testkit::{eventually, eventually_after};
use tokio::sync::watch;

use super::{
    Settings,
    inject::{self, Struck},
    load::Load,
    plan::Plan,
    random::Random,
    site::Site,
};

/// What a run leaves to be looked at.
pub(super) struct Left {
    pub(super) loads: Vec<Load>,
    /// Steps that nothing came to: the fault came without them.
    pub(super) missed: Vec<&'static str>,
    /// Who ended without being asked to, and what else was noticed at once.
    pub(super) problems: Vec<String>,
}

/// All traffic flows when each has come so far,
const FLOWS: u64 = 2;
/// and goes on when it has come so much further after the faults.
const GOES_ON: u64 = 3;

pub(super) async fn run(site: &mut Site, plan: &Plan, settings: &Settings) -> Result<Left> {
    let (finish, finished) = watch::channel(false);
    let loads = begin(site, plan, settings, &finished).await?;
    all_come_to(&loads, |_| FLOWS).await.context("all traffic to flow")?;
    let mut problems = ended_early(&loads);
    let mut struck = Vec::new();
    for blow in &plan.blows {
        tokio::time::sleep(blow.after).await;
        struck.push(inject::begin(site, blow).await.with_context(|| blow.case.to_string())?);
    }
    let lasts = plan.blows.iter().map(|blow| blow.lasts).max().unwrap_or_default();
    tokio::time::sleep(lasts).await;
    // What others need comes back first.
    struck.sort_by_key(|struck| struck.blow.case.victim.comes_back());
    for struck in &struck {
        site.note(&format!("run {}: {} is to be well again", plan.number, struck.blow.case))?;
        inject::end(site, struck).await.with_context(|| struck.blow.case.to_string())?;
    }
    site.is_well().await?;
    site.note(&format!("run {}: all is well again", plan.number))?;
    problems.extend(goes_on(&loads, plan, settings).await);
    finish.send_replace(true);
    let missed = struck.iter().filter_map(Struck::missed).collect();
    Ok(Left { loads, missed, problems })
}

/// All traffic at once: each has to log in, and most of that is waiting.
async fn begin(
    site: &Site,
    plan: &Plan,
    settings: &Settings,
    finished: &watch::Receiver<bool>,
) -> Result<Vec<Load>> {
    let loads = plan.places.iter().zip(0..).map(|(place, index)| {
        let name = format!("r{}-{}-{index}", plan.number, place.kind.name());
        let random = Random::new(settings.seed ^ 0xbeef, plan.number * 100 + index);
        let finished = finished.clone();
        async move { Load::begin(site, *place, &name, random, finished).await }
    });
    try_join_all(loads).await
}

async fn all_come_to(loads: &[Load], beats: impl Fn(&Load) -> u64) -> Result<()> {
    eventually("traffic", async || loads.iter().try_for_each(|load| load.has_come_to(beats(load))))
        .await
}

/// Traffic that ended before anything had happened.
fn ended_early(loads: &[Load]) -> Vec<String> {
    let ended = loads.iter().filter(|load| load.task.is_finished());
    ended.map(|load| format!("{} ended before anything had happened", load.place)).collect()
}

/// Those that have to survive go on; who does not is named.
async fn goes_on(loads: &[Load], plan: &Plan, settings: &Settings) -> Vec<String> {
    let mut problems = Vec::new();
    for load in loads {
        let survives = settings.expect.survives(&load.place, &plan.blows);
        if !load.place.kind.is_one_session() || !survives {
            continue;
        }
        let wanted = load.beats() + GOES_ON;
        let gone_on = eventually_after(2, "it to go on", async || load.has_come_to(wanted)).await;
        if let Err(error) = gone_on {
            problems.push(format!("{} is stuck: {error:#}", load.place));
        }
    }
    problems
}

/// As long as anything that ends by itself may take to do so.
pub(super) const LONGEST: Duration = Duration::from_secs(180);
