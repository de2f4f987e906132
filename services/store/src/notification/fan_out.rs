//! From an event to its deliveries: one for each recipient of each subscription that fits.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use hoop_domain::DeliveryId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ChannelKind, Pattern};
use crate::{Result, Store, convert, outbox::Event};

/// A recipient that stands for those who may decide about the request that the event is about.
pub const REVIEWERS: &str = "reviewers";
/// A recipient that stands for the one whose request it is.
pub const REQUESTER: &str = "requester";

/// A subscription that is in force, as fanning out needs it.
struct Subscribed {
    org: Uuid,
    channel: Uuid,
    channel_name: String,
    kind: ChannelKind,
    events: Vec<Pattern>,
    recipients: Vec<String>,
}

/// The columns of the rows to be.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    orgs: Vec<Uuid>,
    event_ids: Vec<Uuid>,
    event_ats: Vec<DateTime<Utc>>,
    kinds: Vec<String>,
    bodies: Vec<serde_json::Value>,
    channels: Vec<Uuid>,
    channel_names: Vec<String>,
    recipients: Vec<String>,
}

impl Store {
    /// Makes the deliveries of `events`, all or none. An event that was fanned out before is
    /// left alone, so one that is consumed twice is told once. Returns how many were made.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn events_fan_out(&self, events: &[Event], now: DateTime<Utc>) -> Result<u64> {
        let mut tx = self.pool().begin().await?;
        let mut known = known(&mut tx, events).await?;
        let subscribed = subscribed(&mut tx, events).await?;
        let mut columns = Columns::default();
        for event in events {
            // The same event twice in one batch is the same event, too.
            if known.insert(event.id.uuid()) {
                columns.add(event, &subscribed);
            }
        }
        let made = columns.insert(&mut tx, now).await?;
        tx.commit().await?;
        Ok(made)
    }
}

async fn known(conn: &mut PgConnection, events: &[Event]) -> Result<HashSet<Uuid>> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.id.uuid()).collect();
    let known = sqlx::query_scalar!(
        "SELECT DISTINCT event_id FROM notification_deliveries WHERE event_id = ANY($1)",
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(known.into_iter().collect())
}

async fn subscribed(conn: &mut PgConnection, events: &[Event]) -> Result<Vec<Subscribed>> {
    let orgs: BTreeSet<Uuid> = events.iter().map(|event| event.org.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT s.org_id, s.channel_id, c.name, c.kind, s.events, s.recipients
         FROM notification_subscriptions s JOIN notification_channels c ON c.id = s.channel_id
         WHERE s.org_id = ANY($1) AND s.enabled AND c.enabled",
        &orgs.into_iter().collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Subscribed {
                org: row.org_id,
                channel: row.channel_id,
                channel_name: row.name,
                kind: convert::parse(&row.kind, "a channel's kind")?,
                events: convert::parse_all(&row.events, "a subscription's events")?,
                recipients: row.recipients,
            })
        })
        .collect()
}

/// Whom a recipient stands for: [`REVIEWERS`] and [`REQUESTER`] are people of the event.
fn people<'a>(recipient: &'a str, event: &'a Event) -> Vec<&'a str> {
    match recipient {
        REVIEWERS => {
            let people = event.body.get("reviewers").and_then(serde_json::Value::as_array);
            people.into_iter().flatten().filter_map(serde_json::Value::as_str).collect()
        }
        REQUESTER if event.kind.starts_with("review.") => {
            let asked = event.body.get("user_email").and_then(serde_json::Value::as_str);
            // A program that asked has no address.
            asked.filter(|address| address.contains('@')).into_iter().collect()
        }
        REQUESTER => Vec::new(),
        address => vec![address],
    }
}

impl Columns {
    fn add(&mut self, event: &Event, subscribed: &[Subscribed]) {
        let mut channels: BTreeMap<Uuid, (&Subscribed, BTreeSet<&str>)> = BTreeMap::new();
        for one in subscribed {
            let fits = one.events.iter().any(|pattern| pattern.matches(&event.kind));
            if one.org == event.org.uuid() && fits {
                let (_, recipients) =
                    channels.entry(one.channel).or_insert_with(|| (one, BTreeSet::new()));
                recipients.extend(one.recipients.iter().flat_map(|name| people(name, event)));
            }
        }
        for (one, recipients) in channels.into_values() {
            let recipients: Vec<&str> = recipients.into_iter().collect();
            if one.recipients.is_empty() {
                self.push(event, one, String::new());
            }
            for batch in recipients.chunks(one.kind.batch()) {
                self.push(event, one, batch.join(","));
            }
        }
    }

    fn push(&mut self, event: &Event, to: &Subscribed, recipient: String) {
        self.ids.push(DeliveryId::generate().uuid());
        self.orgs.push(to.org);
        self.event_ids.push(event.id.uuid());
        self.event_ats.push(event.at);
        self.kinds.push(event.kind.clone());
        self.bodies.push(event.body.clone());
        self.channels.push(to.channel);
        self.channel_names.push(to.channel_name.clone());
        self.recipients.push(recipient);
    }

    async fn insert(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> Result<u64> {
        if self.ids.is_empty() {
            return Ok(0);
        }
        let done = sqlx::query!(
            "INSERT INTO notification_deliveries (id, org_id, event_id, event_at, kind, body,
               channel_id, channel_name, recipient, next_at, created_at)
             SELECT *, $10, $10 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],
               $4::timestamptz[], $5::text[], $6::jsonb[], $7::uuid[], $8::text[], $9::text[])
             ON CONFLICT DO NOTHING",
            &self.ids,
            &self.orgs,
            &self.event_ids,
            &self.event_ats,
            &self.kinds,
            &self.bodies,
            &self.channels,
            &self.channel_names,
            &self.recipients,
            now
        )
        .execute(conn)
        .await?;
        Ok(done.rows_affected())
    }
}
