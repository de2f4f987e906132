//! A child that is kept running: started, watched, started again, and stopped.

mod keeper;
mod process;
mod ready;

use std::{ffi::OsString, path::PathBuf, sync::Arc, time::Duration};

use rustix::process::Signal;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{Error, account::Account, roster::Roster};

use keeper::Keeper;
pub(crate) use process::command;
pub(crate) use ready::Ready;

/// What is to run, and how to tell that it does.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// What it is called in logs and messages.
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Environment,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// As whom; as we are when `None`.
    pub(crate) account: Option<Account>,
    pub(crate) ready: Ready,
    /// Asks it to finish.
    pub(crate) stop: Signal,
    /// Ends it at once, with all that it has started.
    pub(crate) now: Signal,
    /// How long it may take to finish.
    pub(crate) patience: Duration,
}

/// The environment of a child.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// Whether it gets ours to begin with.
    pub(crate) inherited: bool,
    /// What it does not get of ours.
    pub(crate) without: Vec<&'static str>,
    /// What it gets besides.
    pub(crate) with: Vec<(&'static str, String)>,
}

/// What all children share.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) logs: PathBuf,
    pub(crate) roster: Roster,
    /// Stop waiting for anything.
    pub(crate) now: CancellationToken,
}

/// Why a child did not come up, or ended.
#[derive(Debug, Clone)]
struct Failure {
    how: String,
    log: PathBuf,
    last_words: String,
}

#[derive(Debug, Clone)]
enum State {
    Starting,
    Ready,
    Failed(Arc<Failure>),
}

/// The supervisor's end of a child.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    state: watch::Receiver<State>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Child {
    /// Begins to keep it running.
    pub(crate) fn keep(spec: Spec, family: &Family) -> Self {
        let (sender, state) = watch::channel(State::Starting);
        let stop = CancellationToken::new();
        let name = spec.name;
        let keeper = Keeper { spec, family: family.clone(), state: sender, stop: stop.clone() };
        Self { name, state, stop, task: tokio::spawn(keeper.run()) }
    }

    /// Its name.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Waits until it is ready for the first time.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        let mut state = self.state.clone();
        let decided = state.wait_for(|state| !matches!(state, State::Starting)).await;
        match decided.map(|state| state.clone()) {
            Ok(State::Ready) => Ok(()),
            Ok(State::Failed(failure)) => Err(Error::Child {
                name: self.name,
                how: failure.how.clone(),
                log: failure.log.clone(),
                last_words: failure.last_words.trim_end().to_owned(),
            }),
            Ok(State::Starting) | Err(_) => Err(Error::Interrupted),
        }
    }

    /// Asks it to finish, and waits until it has; false when it was given up before.
    pub(crate) async fn stop(self) -> bool {
        self.stop.cancel();
        let _panicked = self.task.await;
        !matches!(*self.state.borrow(), State::Failed(_))
    }
}

#[cfg(test)]
mod tests;
