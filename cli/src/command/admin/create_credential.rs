//! `hoop admin create credential CONNECTION`: stdout gets the connection string.

use anyhow::Result;
use hoop_domain::ConnectionName;
use serde_json::json;

use crate::{
    args::CreateCredential,
    command::open::held,
    context::Context,
    output::{self, field},
};

pub(crate) async fn run(wanted: &CreateCredential, context: &Context) -> Result<()> {
    let body = json!({"access_duration_seconds": wanted.duration.as_secs()});
    let connection: ConnectionName = wanted.connection.parse()?;
    let credential = held::credential(context, &connection, &body).await?;
    if context.json() {
        return output::print_json(&credential);
    }
    output::print(&field(&credential, "connection_string"))?;
    let (id, expires) = (field(&credential, "id"), field(&credential, "expires_at"));
    output::say(&format!(
        "credential {id} works until {expires}; its password can't be shown again"
    ));
    Ok(())
}
