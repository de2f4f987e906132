//! Runbooks as JSON.

use std::collections::BTreeMap;

use hoop_domain::ConnectionName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    Error,
    error::Result,
    extract::Empty,
    routes::sessions::annotations::Annotations,
    runbook::{
        folder::Listing,
        template::{Parameter, Template},
    },
};

/// Which runbook to run, and with what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunbookRequest {
    /// The runbook, as the list names it.
    pub(super) file_name: String,
    /// Values by the names of parameters.
    parameters: Option<BTreeMap<String, String>>,
    /// How long to wait for the end, in seconds: 0 to 50, which is the default.
    pub(super) wait_seconds: Option<u32>,
    /// Nothing: a runbook is its whole command.
    client_args: Option<Vec<String>>,
    /// Nothing: a runbook is its whole command.
    env_vars: Option<BTreeMap<String, String>>,
    /// Empty: a folder has no commits.
    ref_hash: Option<String>,
    /// What you say of it for yourself: names to anything, 16 KiB. Shown with the session.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: Option<Map<String, Value>>,
    /// Empty: no tickets are made. Older clients send it.
    #[serde(default, rename = "jira_fields")]
    #[schema(value_type = Object)]
    _jira_fields: Empty,
    /// What it is run together with. Shown with the session.
    #[serde(default)]
    #[schema(value_type = String)]
    session_batch_id: Option<String>,
}

/// The runbooks of a connection.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct RunbookList {
    /// In order of their names.
    items: Vec<RunbookResponse>,
    /// What could not be looked at, in words.
    errors: Vec<String>,
    /// Always empty, as are the next two: a folder has no commits.
    commit: &'static str,
    /// See `commit`.
    commit_author: &'static str,
    /// See `commit`.
    commit_message: &'static str,
}

/// A runbook.
#[derive(Serialize, ToSchema)]
#[schema(as = Runbook)]
pub(crate) struct RunbookResponse {
    /// Its path in the folder.
    name: String,
    /// What it asks for, by the names of parameters.
    metadata: BTreeMap<String, ParameterResponse>,
    /// The connection that was asked for.
    connections: Vec<String>,
    /// Why it can't be run; null when it can.
    error: Option<String>,
}

/// What a runbook asks for.
#[derive(Serialize, ToSchema)]
#[schema(as = RunbookParameter)]
pub(crate) struct ParameterResponse {
    /// What it is.
    description: String,
    /// Whether it needs a value.
    required: bool,
    /// `text`, `number`, `tel`, `time`, `date`, `url`, `email`, `select`, `textarea`, `password`
    /// or `file`.
    #[serde(rename = "type")]
    kind: String,
    /// What it is without a value.
    default: String,
    /// An example.
    placeholder: String,
    /// The values that it may have; any where there are none.
    options: Vec<String>,
    /// Where in a form it comes; null where that does not matter.
    order: Option<u32>,
    /// Always empty: values go into the text only.
    asenv: &'static str,
}

impl RunbookRequest {
    /// Who fills in a runbook adds nothing to it.
    pub(super) fn refuse_more(&self) -> Result<()> {
        let why = "a runbook is its whole command; leave it out";
        if self.client_args.as_ref().is_some_and(|given| !given.is_empty()) {
            return Err(Error::invalid("client_args", why));
        }
        if self.env_vars.as_ref().is_some_and(|given| !given.is_empty()) {
            return Err(Error::invalid("env_vars", why));
        }
        if self.ref_hash.as_ref().is_some_and(|given| !given.is_empty()) {
            let why = "is a commit of a repository, and a folder has none; leave it out";
            return Err(Error::invalid("ref_hash", why));
        }
        Ok(())
    }

    /// What is said of the session.
    pub(super) fn annotations(&self) -> Annotations {
        Annotations {
            metadata: self.metadata.clone().unwrap_or_default(),
            session_batch_id: self.session_batch_id.clone(),
            ..Annotations::default()
        }
    }

    pub(super) fn parameters(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.parameters.as_ref().unwrap_or(&NONE)
    }
}

impl RunbookList {
    pub(super) fn new(listing: Listing, connection: &ConnectionName) -> Self {
        let items = listing.runbooks.into_iter().map(|(name, text)| {
            let parsed = text.map_err(|error| error.to_string()).and_then(|text| {
                let template = Template::parse(&text).map_err(|error| error.to_string())?;
                let parameters = template.parameters().into_iter();
                Ok(parameters.map(|(name, of)| (name.to_owned(), of.into())).collect())
            });
            let (metadata, error) = match parsed {
                Ok(metadata) => (metadata, None),
                Err(error) => (BTreeMap::new(), Some(error)),
            };
            RunbookResponse { name, metadata, connections: vec![connection.to_string()], error }
        });
        Self { items: items.collect(), errors: listing.errors, ..Self::default() }
    }
}

impl From<Parameter> for ParameterResponse {
    fn from(parameter: Parameter) -> Self {
        let Parameter { description, required, kind, default, placeholder, options, order } =
            parameter;
        Self { description, required, kind, default, placeholder, options, order, asenv: "" }
    }
}
