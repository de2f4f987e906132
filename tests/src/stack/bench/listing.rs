//! Lists of sessions, by every filter, of as many as a company has in a year.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::{Figures, Table};
use crate::{Gateway, Rest, rest::text, stack::say};

/// Requests of each list.
const REQUESTS: usize = 200;

/// What the 99th percentile of a list may be.
const BUDGET: Duration = Duration::from_millis(50);

/// Sessions of a year: 2000 users, 300 connections and 40 agents, some of which are used far
/// more than others; one of each that was used for the first five sessions only. The person with
/// most sessions has none of the connection with second most.
const SEED: &str = "
  INSERT INTO sessions (id, org_id, user_id, user_email, user_name, connection_id,
    connection_name, connection_type, agent_id, agent_name, client_address,
    client_application, state, authorized_at, opened_at, closed_at, end_reason, seen_at, verb)
  SELECT
    (lpad(to_hex(at_ms), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8'
      || lpad(to_hex(n), 15, '0'))::uuid,
    (SELECT id FROM orgs ORDER BY id LIMIT 1),
    CASE person WHEN 0 THEN (SELECT id FROM users WHERE email = 'person-0@example.com')
      ELSE md5('user' || person)::uuid END, 'person-' || person || '@example.com', 'Person ' || person,
    md5('connection' || place)::uuid, 'place-' || place,
    (ARRAY['postgres', 'postgres', 'mysql', 'tcp', 'command-line'])[1 + place % 5],
    md5('agent' || place % 40)::uuid, 'agent-' || place % 40, '192.0.2.7', 'psql',
    CASE WHEN n > COUNT - 200 THEN 'open' ELSE 'done' END,
    to_timestamp(at_ms / 1000.0), to_timestamp(at_ms / 1000.0),
    CASE WHEN n > COUNT - 200 THEN NULL ELSE to_timestamp(at_ms / 1000.0 + 60) END,
    CASE WHEN n > COUNT - 200 THEN NULL ELSE 'client_closed' END,
    now() + interval '1 day',
    CASE WHEN place % 7 = 0 THEN 'exec' ELSE 'connect' END
  FROM (
    SELECT n, at_ms, person, CASE WHEN person = 0 AND place = 1 THEN 2 ELSE place END AS place
    FROM (
      SELECT n,
        (extract(epoch FROM now()) * 1000)::bigint - (COUNT - n) * (31536000000 / COUNT) AS at_ms,
        CASE WHEN n <= 5 THEN 9999 ELSE floor(2000 * random() ^ 3)::int END AS person,
        CASE WHEN n <= 5 THEN 9999 ELSE floor(300 * random() ^ 3)::int END AS place
      FROM generate_series(1::bigint, COUNT) AS n) AS drawn
  ) AS sessions";

/// Lists of everybody's sessions, by what follows the question mark. Those with several filters
/// match few of many, or, like a type that the connection is not of, nothing.
const LISTS: &[&str] = &[
    "",
    "limit=100",
    "user=person-0@example.com",
    "user=person-1999@example.com",
    "user=person-9999@example.com",
    "connection=place-0",
    "connection=place-9999",
    "agent=agent-1",
    "agent=agent-39",
    "type=command-line",
    "verb=exec",
    "status=open",
    "status=done",
    "end_date=HALF",
    "start_date=HALF&end_date=AFTER",
    "connection=place-0&user=person-1999@example.com",
    "connection=place-0&user=person-0@example.com",
    "connection=place-1&user=person-0@example.com",
    "agent=agent-1&user=person-0@example.com",
    "connection=place-1&verb=exec&status=done&end_date=HALF",
    "connection=place-0&type=mysql",
    "agent=agent-1&type=mysql&status=done",
    "type=tcp&verb=exec&end_date=HALF",
    "user=person-9999@example.com&count=true",
    "type=tcp&verb=exec&count=true",
];

/// Lists of who sees only their own sessions, and has most of all.
const OWN: &[&str] = &[
    "",
    "limit=100",
    "connection=place-0",
    "connection=place-1",
    "connection=place-9999",
    "connection=place-1&verb=exec&status=done&end_date=HALF",
    "agent=agent-1",
    "agent=agent-1&type=mysql",
    "type=tcp&verb=exec",
    "status=open",
    "user=person-1@example.com",
    "verb=exec&count=true",
];

/// Seeds `count` sessions and asks for each list, then for the pages after the first.
pub(super) async fn measure(gateway: &Gateway, count: u32, table: &mut Table) -> Result<()> {
    let own = standard(gateway).await?;
    let began = Instant::now();
    gateway.run_on_state(&SEED.replace("COUNT", &count.to_string())).await?;
    gateway.run_on_state("VACUUM ANALYZE sessions").await?;
    say(&format!("    seeded in {} s", began.elapsed().as_secs()));
    let time = |days: &str| {
        let sql = format!(
            "SELECT to_char(now() - interval '{days} days', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        );
        async move { Ok::<_, anyhow::Error>(gateway.run_on_state(&sql).await?.trim().to_owned()) }
    };
    let (half, after) = (time("180").await?, time("173").await?);
    for (rest, whose, lists) in [(&gateway.rest, "sessions", LISTS), (&own, "own sessions", OWN)] {
        for list in lists {
            let query = list.replace("HALF", &half).replace("AFTER", &after);
            let (mut times, began) = (Vec::new(), Instant::now());
            for _ in 0..REQUESTS {
                let began = Instant::now();
                rest.get(&format!("/api/sessions?{query}")).await?;
                times.push(began.elapsed());
            }
            done(table, &format!("{whose}?{list}"), Figures::of(times, began.elapsed()));
        }
    }
    pages(gateway, table).await
}

/// The person with most sessions, who sees no others.
async fn standard(gateway: &Gateway) -> Result<Rest> {
    let (email, password) = ("person-0@example.com", "battery staple");
    let user = json!({ "email": email, "password": password, "groups": [] });
    gateway.rest.post("/api/users", user).await?;
    gateway.rest.login(email, password).await
}

/// Whoever turns pages waits no longer for the hundredth than for the first.
async fn pages(gateway: &Gateway, table: &mut Table) -> Result<()> {
    let (mut times, began, mut cursor) = (Vec::new(), Instant::now(), String::new());
    for _ in 0..REQUESTS {
        let page = Instant::now();
        let path = format!("/api/sessions?limit=100{cursor}");
        let answer = gateway.rest.get(&path).await?;
        times.push(page.elapsed());
        cursor = format!("&cursor={}", text(&answer, "next_cursor"));
    }
    done(table, "sessions?limit=100, one page after another", Figures::of(times, began.elapsed()));
    Ok(())
}

fn done(table: &mut Table, list: &str, figures: Figures) {
    say(&format!("    {list:<69}{}", figures.short()));
    table.within(list, figures, BUDGET);
}
