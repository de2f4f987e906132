//! What a person, or a program, is told when a gateway is ready.

use std::{fmt::Write, path::Path};

use anyhow::Result;
use hoop_supervisor::{FirstRun, Summary};
use serde_json::{Value, json};

use crate::{args::Format, output};

/// Prints it: with what is told once, when there is something.
pub(super) fn print(ready: &Summary, signed_in: Option<&Path>, format: Format) -> Result<()> {
    match format {
        Format::Table | Format::Wide => Ok(output::print(text(ready, signed_in)?.trim_end())?),
        Format::Json => output::print_json(&json(ready)),
    }
}

fn json(ready: &Summary) -> Value {
    let first = ready.first_run.as_ref().map(|first| {
        json!({
            "email": first.email,
            "password": first.password.as_ref().map(hoop_domain::Secret::reveal),
            "agent_key": first.agent_key.as_ref().map(hoop_domain::Secret::reveal),
        })
    });
    json!({
        "api_url": ready.api_url,
        "grpc_url": ready.grpc_url,
        "postgres": ready.postgres,
        "data": ready.data,
        "first_run": first,
    })
}

fn text(ready: &Summary, signed_in: Option<&Path>) -> Result<String> {
    let mut text = String::new();
    let data = ready.data.display();
    writeln!(text, "The gateway is ready, after {:.1} s.\n", ready.took.as_secs_f32())?;
    writeln!(text, "  API     {}", ready.api_url)?;
    writeln!(text, "  agents  {}", ready.grpc_url)?;
    writeln!(text, "  psql    {}", ready.postgres.as_deref().unwrap_or("off"))?;
    writeln!(text, "  data    {data}, logs in {data}/logs\n")?;
    match &ready.first_run {
        Some(first) => first_run(&mut text, ready, first, signed_in)?,
        None => writeln!(text, "Ctrl-C stops it.")?,
    }
    Ok(text)
}

fn first_run(
    text: &mut String,
    ready: &Summary,
    first: &FirstRun,
    signed_in: Option<&Path>,
) -> Result<()> {
    writeln!(text, "This is the first run. What follows is not shown again:\n")?;
    match (&first.email, &first.password) {
        (None, _) => writeln!(text, "  login     nobody is asked for one: PROFILE=dev")?,
        (Some(email), None) => {
            writeln!(text, "  login     {email}\n  password  that of ADMIN_PASSWORD")?;
        }
        (Some(email), Some(password)) => {
            writeln!(text, "  login     {email}\n  password  {}", password.reveal())?;
        }
    }
    if let Some(key) = &first.agent_key {
        writeln!(text, "  HOOP_KEY  {}", key.reveal())?;
    }
    writeln!(text, "\nNext, in another terminal:\n")?;
    match (signed_in, &first.email) {
        (Some(path), _) => {
            writeln!(text, "  hoop admin get agents    (signed in for 12 h: {})", path.display())?;
        }
        (None, Some(email)) => {
            writeln!(text, "  hoop login --api-url {} --email {email}", ready.api_url)?;
        }
        (None, None) => {}
    }
    match &first.agent_key {
        Some(_) => writeln!(text, "  export HOOP_KEY='…'      (the key above)")?,
        None => writeln!(text, "  export HOOP_KEY=$(hoop admin create agent dev)")?,
    }
    writeln!(text, "  hoop start agent\n\nCtrl-C stops the gateway.")?;
    Ok(())
}
