//! The private NATS: on loopback, with a user, storing in the data directory.

use std::{path::PathBuf, time::Duration};

use hoop_runtime::Env;
use rustix::process::Signal;
use serde_json::json;

use crate::{
    Error,
    child::{Environment, Ready, Spec},
    data::Data,
    kept::{self, Kept},
    options::Options,
    port, programs,
};

/// The Go runtime collects garbage so that it stays below this; the whole process stays
/// below 150 MB.
const MEMORY: &str = "120MiB";

/// What the streams may claim, which is more than they ever hold: by itself the broker takes
/// three quarters of what is free on the disk, and would refuse our streams on a small one.
const MOST: u64 = 100 * 1024 * 1024 * 1024;

/// How often it writes to the disk for good, and drops what was acknowledged. With its usual
/// two minutes, all that passed since is in files and the last ten seconds in memory.
const SYNC: &str = "1s";

/// A broker of our own.
#[derive(Debug)]
pub(crate) struct Nats {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Nats {
    /// Finds what it needs; nothing is started.
    pub(crate) fn find(options: &Options, data: &Data, env: &Env) -> Result<Self, Error> {
        let program = programs::nats(&options.program, env)?;
        Ok(Self { program, folder: data.join("nats"), port: port::free("NATS")? })
    }

    /// Where the gateway's processes find it.
    pub(crate) fn url(&self, kept: &Kept) -> String {
        format!("nats://hoop:{}@127.0.0.1:{}", kept.nats.reveal(), self.port)
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("nats.conf")
    }

    /// Writes its settings, which have a password and are for us alone.
    pub(crate) fn prepare(&self, kept: &Kept) -> Result<(), Error> {
        // Its language of settings takes JSON.
        let settings = json!({
            "server_name": "hoop",
            "host": "127.0.0.1",
            "port": self.port,
            "jetstream": {"store_dir": self.folder.join("store"), "sync_interval": SYNC, "max_file_store": MOST},
            "authorization": {"user": "hoop", "password": kept.nats.reveal()},
        });
        kept::write(&self.settings(), &settings.to_string())
    }

    /// How it is run.
    pub(crate) fn spec(&self) -> Spec {
        let mut environment = Environment::basic();
        environment.with.push(("GOMEMLIMIT", MEMORY.to_owned()));
        Spec {
            name: "nats",
            program: self.program.clone(),
            arguments: vec!["--config".into(), self.settings().into()],
            environment,
            folder: self.folder.clone(),
            account: None,
            ready: Ready::Broker(self.port),
            stop: Signal::TERM,
            // It writes what it has and goes, in no time.
            now: Signal::TERM,
            patience: Duration::from_secs(15),
        }
    }
}
