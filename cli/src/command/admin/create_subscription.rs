//! `hoop admin create subscription NAME`.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::existing;
use crate::{
    args::CreateSubscription,
    context::Context,
    output::{self, field, is, list},
};

pub(crate) async fn run(wanted: &CreateSubscription, context: &Context) -> Result<()> {
    let path = ["notifications", "subscriptions", wanted.name.as_str()];
    let known = if wanted.overwrite { existing(&path, context).await? } else { None };
    let body = body(wanted, known.as_ref())?;
    let subscription = match known {
        Some(_) => context.api.put(&path, &body).await?,
        None => context.api.post(&["notifications", "subscriptions"], &body).await?,
    };
    if context.json() {
        return output::print_json(&subscription);
    }
    output::say(&sentence(&subscription));
    Ok(())
}

/// What is not given stays as it is known.
fn body(wanted: &CreateSubscription, known: Option<&Value>) -> Result<Value> {
    let before = |name: &str| known.and_then(|subscription| subscription.get(name)).cloned();
    let words = |name: &str, given: &[String]| match given {
        [] => before(name),
        given => Some(json!(given)),
    };
    let missing = "there is no subscription of that name yet; say what it is with --channel and \
                   --event";
    let channel = wanted.channel.clone().map(Value::from).or_else(|| before("channel"));
    let enabled = wanted.switch.wanted().map(Value::from).or_else(|| before("enabled"));
    Ok(json!({
        "name": wanted.name,
        "channel": channel.context(missing)?,
        "events": words("events", &wanted.events).context(missing)?,
        "recipients": words("recipients", &wanted.recipients).unwrap_or_else(|| json!([])),
        "enabled": enabled.unwrap_or(json!(true)),
    }))
}

fn sentence(subscription: &Value) -> String {
    let [name, channel] = ["name", "channel"].map(|name| field(subscription, name));
    if is(subscription, "enabled") {
        format!("subscription {name} tells {} through {channel}", list(subscription, "events"))
    } else {
        format!("subscription {name} is not used")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Admin, Args, Command, Create};

    fn wanted(line: &str) -> CreateSubscription {
        let line = format!("hoop admin create subscription {line}");
        let Command::Admin(admin) = Args::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("not admin")
        };
        let Admin::Create(Create::Subscription(wanted)) = *admin else {
            panic!("not a subscription")
        };
        wanted
    }

    #[test]
    fn what_is_not_given_stays_as_it_is() {
        let known = json!({"name": "on-call", "channel": "mail", "enabled": true,
            "events": ["session.*"], "recipients": ["ann@example.com"]});
        let other = "on-call --overwrite --recipient bob@example.com,cy@example.com --disabled";
        let expected = json!({"name": "on-call", "channel": "mail", "enabled": false,
            "events": ["session.*"], "recipients": ["bob@example.com", "cy@example.com"]});
        assert_eq!(body(&wanted(other), Some(&known)).unwrap(), expected);
        assert_eq!(sentence(&expected), "subscription on-call is not used");
    }

    #[test]
    fn a_new_one_says_what_goes_through_what() {
        let made = body(&wanted("all --channel siem --event *"), None).unwrap();
        let expected = json!({"name": "all", "channel": "siem", "enabled": true, "events": ["*"],
            "recipients": []});
        assert_eq!(made, expected);
        assert_eq!(sentence(&made), "subscription all tells * through siem");
        let refused = body(&wanted("all --overwrite"), None).unwrap_err().to_string();
        assert!(refused.contains("--channel"), "{refused}");
    }
}
