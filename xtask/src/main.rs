//! The one task runner: `cargo xtask` prints what it can do.

mod install;
mod shell;
mod sqlx;
mod stack;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

/// A task: its name, what it does, and how.
struct Task {
    name: &'static str,
    does: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const TASKS: &[Task] = &[
    Task {
        name: "demo",
        does: "psql through the whole gateway, and the session replayed; leaves nothing behind",
        run: stack::demo,
    },
    Task {
        name: "up",
        does: "the whole gateway, kept running until Ctrl-C (--data DIR keeps its state)",
        run: stack::up,
    },
    Task { name: "test", does: "all tests; starts what they need by itself", run: test::all },
    Task {
        name: "bench",
        does: "latency, throughput and memory beside direct access",
        run: stack::bench,
    },
    Task {
        name: "crash",
        does: "kills, stops and cuts off every part under load, and looks for lost bytes",
        run: stack::crash,
    },
    Task {
        name: "install",
        does: "what demo and test need: PostgreSQL, nats-server, clients",
        run: install::run,
    },
    Task { name: "tidy", does: "the rules that no compiler knows", run: tidy::run },
    Task {
        name: "openapi",
        does: "renews api/openapi.json after a change of the REST API",
        run: test::openapi,
    },
    Task {
        name: "sqlx",
        does: "renews services/store/.sqlx after a change of queries or migrations",
        run: sqlx::renew,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("\nxtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        menu();
        return Ok(());
    };
    match TASKS.iter().find(|task| task.name == name) {
        Some(task) => (task.run)(rest),
        None => {
            menu();
            bail!("there is no task {name:?}");
        }
    }
}

fn menu() {
    shell::say("usage: cargo xtask TASK\n");
    for Task { name, does, .. } in TASKS {
        shell::say(&format!("  {name:<9}{does}"));
    }
}
