//! The faults: how each is done, and undone.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use hoop_testkit::{Wire, eventually};
use tokio::task::block_in_place;

use super::{
    fault::{Blow, Fault, Victim},
    site::Site,
};

/// A fault that lasts.
pub(super) struct Struck {
    pub(super) blow: Blow,
    /// Whether the process was at the step.
    at_step: bool,
}

/// A step that is on every session's way is come to in no time. Others wait for a session's end.
const STEP: Duration = Duration::from_secs(12);

impl Struck {
    /// The step that nothing came to.
    pub(super) fn missed(&self) -> Option<&'static str> {
        self.blow.case.step.filter(|_| !self.at_step).map(hoop_runtime::step::Step::name)
    }
}

/// Waits for the step, if there is one, and strikes.
pub(super) async fn begin(site: &mut Site, blow: &Blow) -> Result<Struck> {
    let victim = blow.case.victim;
    let steps = site.steps(victim);
    let mut at_step = false;
    if let Some(step) = blow.case.step {
        fs::write(steps.join("wanted"), format!("{} {}\n", step.name(), blow.count))?;
        fs::rename(steps.join("wanted"), steps.join("arm"))?;
        at_step = reached(&steps.join("reached")).await;
    }
    let words = if at_step { " at its step" } else { "" };
    site.note(&format!("{} strikes{words}", blow.case))?;
    let struck = strike(site, blow);
    for file in ["arm", "reached"] {
        let _absent = fs::remove_file(steps.join(file));
    }
    struck?;
    Ok(Struck { blow: *blow, at_step })
}

async fn reached(file: &Path) -> bool {
    let began = Instant::now();
    while began.elapsed() < STEP {
        if file.exists() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

fn strike(site: &mut Site, blow: &Blow) -> Result<()> {
    let (fault, victim) = (blow.case.fault, blow.case.victim);
    match fault {
        Fault::Cut => site.wires.of(victim).into_iter().for_each(Wire::cut),
        Fault::Mute => site.wires.of(victim).into_iter().for_each(Wire::hang),
        Fault::Kill => match victim {
            Victim::Nats => site.gateway.nats.kill()?,
            Victim::Postgres => signal_all(&family(site.gateway.postgres.pid()), "KILL")?,
            _ => {
                block_in_place(|| site.service(victim).context("no such process")?.kill())?;
                if blow.loses_disk && matches!(victim, Victim::Writer(_)) {
                    let _absent = fs::remove_dir_all(site.spool(victim));
                }
            }
        },
        Fault::Stop => signal_all(&pids(site, victim)?, "STOP")?,
        // What PostgreSQL calls fast: it tells its clients and ends.
        Fault::Terminate if victim == Victim::Postgres => {
            let postmaster = site.gateway.postgres.pid().context("no server")?;
            signal_all(&[postmaster], "INT")?;
        }
        Fault::Terminate => signal_all(&pids(site, victim)?, "TERM")?,
    }
    Ok(())
}

/// Has the victim come back.
pub(super) async fn end(site: &mut Site, struck: &Struck) -> Result<()> {
    let (fault, victim) = (struck.blow.case.fault, struck.blow.case.victim);
    match (fault, victim) {
        (Fault::Cut | Fault::Mute, _) => {
            site.wires.of(victim).into_iter().for_each(Wire::heal);
        }
        (Fault::Stop, _) => signal_all(&pids(site, victim)?, "CONT")?,
        (Fault::Kill, Victim::Nats) => site.gateway.nats.restart().await?,
        (Fault::Terminate, Victim::Nats) => {
            gone(site.gateway.nats.pid()).await?;
            site.gateway.nats.restart().await?;
        }
        (Fault::Kill | Fault::Terminate, Victim::Postgres) => {
            gone(site.gateway.postgres.pid()).await?;
            // Its own processes may need a moment more to see that it is gone.
            let postgres = site.gateway.postgres.clone();
            eventually("PostgreSQL to start again", async || {
                postgres.stop()?;
                postgres.start().await
            })
            .await?;
        }
        (Fault::Kill, _) => {
            block_in_place(|| site.service(victim).context("no such process")?.start())?;
        }
        (Fault::Terminate, _) => {
            let service = site.service(victim).context("no such process")?;
            block_in_place(|| service.drained().and_then(|()| service.start()))?;
        }
    }
    Ok(())
}

fn pids(site: &mut Site, victim: Victim) -> Result<Vec<u32>> {
    match victim {
        Victim::Nats => Ok(site.gateway.nats.pid().into_iter().collect()),
        Victim::Postgres => Ok(family(site.gateway.postgres.pid())),
        _ => Ok(vec![site.service(victim).context("no such process")?.process()?.pid()]),
    }
}

/// A process and its children: a server that has one for each connection.
fn family(parent: Option<u32>) -> Vec<u32> {
    let Some(parent) = parent else { return Vec::new() };
    let children = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(children).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    [parent].into_iter().chain(children).collect()
}

fn signal_all(pids: &[u32], signal: &str) -> Result<()> {
    let (first, rest) = pids.split_first().context("it does not run")?;
    let kill = |pids: &[u32]| {
        let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
        Command::new("kill").args(["-s", signal]).args(pids).stderr(Stdio::null()).status()
    };
    ensure!(kill(&[*first])?.success(), "process {first} is not running");
    if !rest.is_empty() {
        // Some may have ended meanwhile.
        let _some = kill(rest)?;
    }
    Ok(())
}

/// Waits until nothing but its remains are left.
async fn gone(pid: Option<u32>) -> Result<()> {
    let Some(pid) = pid else { return Ok(()) };
    eventually("the process to end", async || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default().trim().chars().next();
        ensure!(state.is_none_or(|state| state == 'Z'), "{pid} still runs");
        Ok(())
    })
    .await
}
