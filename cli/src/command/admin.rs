//! `hoop admin …`: manages the gateway.

mod create_agent;
mod delete_agent;
mod get_agents;

use anyhow::Result;

use crate::{
    args::{Admin, Create, Delete, Get},
    context::Context,
};

pub(crate) async fn run(command: Admin, context: &Context) -> Result<()> {
    match command {
        Admin::Create(Create::Agent { name, mode }) => {
            create_agent::run(&name, mode, context).await
        }
        Admin::Get(Get::Agents) => get_agents::run(context).await,
        Admin::Delete(Delete::Agent { name }) => delete_agent::run(&name, context).await,
    }
}
