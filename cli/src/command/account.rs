//! `hoop account …`: password, second factor and tokens, mostly one's own.

mod password;
mod show;
mod tokens;
mod totp;

use anyhow::Result;

use crate::{
    args::{Account, Whose},
    context::Context,
    output,
};

pub(crate) async fn run(command: Account, context: &Context) -> Result<()> {
    match command {
        Account::Show => show::run(context).await,
        Account::Password(whose) => password::run(&whose, context).await,
        Account::Totp(command) => totp::run(command, context).await,
        Account::Tokens(command) => tokens::run(command, context).await,
    }
}

/// The id of the one whose account it is.
async fn owner(whose: &Whose, context: &Context) -> Result<String> {
    match &whose.user {
        Some(user) => Ok(user.clone()),
        None => Ok(output::field(&context.api.get(&["userinfo"], &()).await?, "id")),
    }
}
