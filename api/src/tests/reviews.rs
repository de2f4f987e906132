//! Requests for access over REST, and what edges are told about them.

use futures_util::future::join_all;
use hoop_proto::v1::{self, authorize_reply::Outcome, authorize_request::Proof};
use serde_json::{Value, json};

use super::{
    authorize::{authorize, request},
    world::{World, pg_body, session_id},
};

/// A world with the connection `pg`, which one of `leads` and `ops` approves unless a test says
/// otherwise, and three tokens: of ann in `dba`, bob in `leads` and `ops`, and eve in nothing that matters.
struct Scene {
    world: World,
    root: String,
    ann: String,
    bob: String,
    eve: String,
}

impl Scene {
    async fn new(more: Value) -> Self {
        let world = World::new().await;
        world.pg().await;
        let root = world.root().await;
        let mut body = pg_body("pg");
        body["reviewers"] = json!(["leads", "ops"]);
        body["min_review_approvals"] = json!(1);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let changed = world.put(&root, "/api/connections/pg", body).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(changed.body["needs_review"], json!(true));
        let ann = world.user("ann@example.com", &["dba"]).await;
        let bob = world.user("bob@example.com", &["leads", "ops"]).await;
        let eve = world.user("eve@example.com", &["dba"]).await;
        Self { world, root, ann, bob, eve }
    }

    /// Asks edges' question for ann.
    async fn ask(&self, verb: &str, exec: Option<v1::ExecInput>) -> Outcome {
        self.ask_as(&self.ann, verb, exec).await
    }

    async fn ask_as(&self, token: &str, verb: &str, exec: Option<v1::ExecInput>) -> Outcome {
        let asked = v1::AuthorizeRequest {
            protocol: String::new(),
            verb: verb.into(),
            exec,
            ..request(Proof::BearerToken(token.into()))
        };
        authorize(&self.world, &asked).await
    }

    /// The id of the request that the answer names.
    async fn held(&self, verb: &str, exec: Option<v1::ExecInput>) -> String {
        let Outcome::Denial(denial) = self.ask(verb, exec).await else { panic!("granted") };
        assert_eq!(denial.code, "review_required", "{denial:?}");
        assert!(denial.message.contains(&denial.review), "{denial:?}");
        denial.review
    }

    async fn vote(&self, token: &str, id: &str, body: Value) -> super::world::Answer {
        self.world.put(token, &format!("/api/reviews/{id}"), body).await
    }

    async fn approve(&self, id: &str) -> Value {
        let answer = self.vote(&self.bob, id, json!({ "status": "APPROVED" })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }
}

fn exec(arguments: &[&str], input: &str) -> Option<v1::ExecInput> {
    let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
    Some(v1::ExecInput { arguments, input: input.to_owned().into() })
}

fn code(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Denial(denial) => &denial.code,
        Outcome::Grant(_) => "granted",
    }
}

#[tokio::test]
async fn an_approval_is_for_this_user_this_command_and_once() {
    let scene = Scene::new(json!({})).await;
    let Outcome::Denial(unseen) = scene.ask("exec", None).await else { panic!("granted") };
    assert_eq!((unseen.code.as_str(), unseen.review.as_str()), ("review_required", ""));
    let id = scene.held("exec", exec(&["-x"], "select 1")).await;
    assert_eq!(scene.held("exec", exec(&["-x"], "select 1")).await, id, "asked twice");
    let approved = scene.approve(&id).await;
    assert_eq!((&approved["type"], &approved["status"]), (&json!("onetime"), &json!("APPROVED")));
    assert_eq!(approved["input"], "select 1");
    let long = "x".repeat(256 * 1024);
    for what in [exec(&["a\0b"], ""), exec(&["-x"], &long)] {
        assert_eq!(code(&scene.ask("exec", what).await), "malformed");
    }
    for other in [exec(&["-x"], "select 2"), exec(&[], "select 1"), exec(&["-x"], "")] {
        assert_ne!(scene.held("exec", other).await, id);
    }
    assert_ne!(scene.held("connect", None).await, id);
    let eves = scene.ask_as(&scene.eve, "exec", exec(&["-x"], "select 1")).await;
    assert_eq!(code(&eves), "review_required");

    let ask = || scene.ask("exec", exec(&["-x"], "select 1"));
    let answers = join_all((0..6).map(|_| ask())).await;
    let granted: Vec<_> = answers
        .into_iter()
        .filter_map(|outcome| match outcome {
            Outcome::Grant(grant) => Some(grant),
            Outcome::Denial(denial) => {
                assert_eq!(denial.code, "review_required", "{denial:?}");
                None
            }
        })
        .collect();
    assert_eq!(granted.len(), 1, "of many who come at once one is first");
    assert_eq!(granted[0].approved, exec(&["-x"], "select 1"));
    assert_ne!(granted[0].not_after, 0);
    let used = scene.world.get(&scene.bob, &format!("/api/reviews/{id}")).await.body;
    assert_eq!(used["status"], "PROCESSING");
    assert_ne!(used["session"], Value::Null);
    let late = scene.vote(&scene.bob, &id, json!({ "status": "APPROVED" })).await;
    late.is_problem(409, "this request is PROCESSING, so it can't be approved");
}

#[tokio::test]
async fn an_approved_command_is_granted_again_when_the_same_question_is_asked_again() {
    let scene = Scene::new(json!({})).await;
    let id = scene.held("exec", exec(&[], "select 1")).await;
    scene.approve(&id).await;
    let session = hoop_domain::SessionId::generate();
    let asked = v1::AuthorizeRequest {
        protocol: String::new(),
        verb: "exec".into(),
        exec: exec(&[], "select 1"),
        session: bytes::Bytes::copy_from_slice(session.as_bytes()),
        ..request(Proof::BearerToken(scene.ann.clone()))
    };
    for _ in 0..2 {
        let Outcome::Grant(grant) = authorize(&scene.world, &asked).await else {
            panic!("refused");
        };
        assert_eq!(session_id(&grant.session), session);
        assert_eq!(grant.approved, exec(&[], "select 1"));
    }
    assert_ne!(scene.held("exec", exec(&[], "select 1")).await, id, "others have to ask");
}

#[tokio::test]
async fn a_command_that_changed_after_the_approval_is_another_command() {
    let scene = Scene::new(json!({ "command": ["psql"] })).await;
    let id = scene.held("exec", exec(&[], "select 1")).await;
    scene.approve(&id).await;
    let mut body = pg_body("pg");
    (body["reviewers"], body["command"]) = (json!(["leads"]), json!(["psql", "--single-step"]));
    let changed = scene.world.put(&scene.root, "/api/connections/pg", body).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_ne!(scene.held("exec", exec(&[], "select 1")).await, id);
}

#[tokio::test]
async fn access_for_a_time_ends_with_it_and_is_for_any_number_of_sessions() {
    let scene = Scene::new(json!({ "access_max_duration": 120 })).await;
    let id = scene.held("connect", None).await;
    let approved = scene.approve(&id).await;
    assert_eq!((&approved["type"], &approved["access_duration_sec"]), (&json!("jit"), &json!(120)));
    let end = approved["revoke_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
    for _ in 0..2 {
        let Outcome::Grant(grant) = scene.ask("connect", None).await else { panic!("refused") };
        let not_after = hoop_domain::time::from_micros(grant.not_after);
        assert_eq!(not_after.timestamp(), end.unwrap().timestamp());
        assert_eq!(grant.approved, None);
    }
    assert_eq!(code(&scene.ask("exec", exec(&[], "select 1")).await), "review_required");
    scene.world.sql("update reviews set ends_at = now() - interval '1 s'").await;
    assert_ne!(scene.held("connect", None).await, id);
}

#[tokio::test]
async fn a_vote_counts_where_requests_for_a_time_are_and_commands_are_not_there() {
    let scene = Scene::new(json!({ "min_review_approvals": null })).await;
    let lead = scene.world.user("lead@example.com", &["leads"]).await;
    let id = scene.held("connect", None).await;
    let command = scene.held("exec", exec(&[], "select 1")).await;
    let approve = async |token: &str, id: &str| {
        let body = json!({ "status": "APPROVED" });
        scene.world.put(token, &format!("/api/jits/{id}"), body).await
    };
    let first = approve(&lead, &id).await;
    assert_eq!((first.status.as_u16(), &first.body["status"]), (200, &json!("PENDING")));
    for (group, status) in [("leads", "APPROVED"), ("ops", "PENDING")] {
        let mut groups = first.body["review_groups_data"].as_array().unwrap().iter();
        let said = groups.find(|it| it["group"] == group).unwrap();
        assert_eq!(said["status"], status, "{group}");
    }
    let second = approve(&scene.bob, &id).await;
    assert_eq!((second.status.as_u16(), &second.body["status"]), (200, &json!("APPROVED")));
    assert_eq!(code(&scene.ask("connect", None).await), "granted");

    approve(&scene.bob, &command).await.is_problem(404, "there is no such review");
    let shown = scene.world.get(&scene.bob, &format!("/api/reviews/{command}")).await.body;
    assert_eq!((&shown["type"], &shown["status"]), (&json!("onetime"), &json!("PENDING")));
}

#[tokio::test]
async fn who_is_in_two_groups_approves_for_one_of_them_and_makes_room_for_others() {
    let scene = Scene::new(json!({ "min_review_approvals": null })).await;
    let lead = scene.world.user("lead@example.com", &["leads"]).await;
    let id = scene.held("connect", None).await;
    let yes = json!({ "status": "APPROVED" });
    for _ in 0..2 {
        let alone = scene.vote(&scene.bob, &id, yes.clone()).await;
        assert_eq!((alone.status.as_u16(), &alone.body["status"]), (200, &json!("PENDING")));
    }
    // Bob spoke for the leads. Somebody else can only speak for those, so bob speaks for ops.
    let done = scene.vote(&lead, &id, yes).await;
    assert_eq!(done.body["status"], "APPROVED", "{done:?}");
    let groups = done.body["review_groups_data"].as_array().unwrap().iter();
    let told: Vec<_> = groups
        .map(|group| (group["group"].clone(), group["reviewed_by"]["email"].clone()))
        .collect();
    let expected = [("leads", "lead@example.com"), ("ops", "bob@example.com")];
    assert_eq!(told, expected.map(|(group, who)| (json!(group), json!(who))));
}

#[tokio::test]
async fn the_request_of_a_session_is_decided_by_the_sessions_name_too() {
    let scene = Scene::new(json!({})).await;
    let id = scene.held("connect", None).await;
    scene.approve(&id).await;
    let Outcome::Grant(grant) = scene.ask("connect", None).await else { panic!("refused") };
    let session = session_id(&grant.session);
    let path = format!("/api/sessions/{session}/review");
    let status = |status: &str| json!({ "status": status });
    let none = "there is no such review";
    scene.world.put(&scene.eve, &path, status("REVOKED")).await.is_problem(404, none);
    let again = scene.world.put(&scene.bob, &path, status("APPROVED")).await;
    assert_eq!((again.status.as_u16(), &again.body["id"]), (409, &Value::Null), "{again:?}");
    let revoked = scene.world.put(&scene.bob, &path, status("REVOKED")).await;
    assert_eq!((&revoked.body["id"], &revoked.body["status"]), (&json!(id), &json!("REVOKED")));
    let told = scene.world.get(&scene.root, "/api/audit/logs?action=review").await.body;
    assert_eq!(told["data"].as_array().map(Vec::len), Some(3), "{told}");

    scene.world.post(&scene.root, "/api/connections", pg_body("free")).await;
    let mut free = request(Proof::BearerToken(scene.ann.clone()));
    (free.connection_name, free.protocol) = ("free".into(), String::new());
    let Outcome::Grant(grant) = authorize(&scene.world, &free).await else { panic!("refused") };
    let session = session_id(&grant.session);
    for session in [session.to_string(), hoop_domain::SessionId::generate().to_string(), id] {
        let path = format!("/api/sessions/{session}/review");
        scene.world.put(&scene.root, &path, status("REVOKED")).await.is_problem(404, none);
    }
}

#[tokio::test]
async fn a_request_that_one_person_filled_in_the_version_before_is_completed_by_another() {
    let groups = json!({ "reviewers": ["leads", "ops", "owners"], "min_review_approvals": 3 });
    let scene = Scene::new(groups).await;
    let lead = scene.world.user("lead@example.com", &["leads"]).await;
    let owner = scene.world.user("owner@example.com", &["owners"]).await;
    let id = scene.held("connect", None).await;
    let filled = format!(
        "update review_votes v set verdict = 'APPROVED', user_id = u.id, user_email = u.email,
           user_name = u.name, at = now()
         from users u where u.email = 'bob@example.com' and v.review_id = '{id}'
           and v.group_name in ('leads', 'ops')"
    );
    scene.world.sql(&filled).await;
    let told = |answer: &super::world::Answer| -> Vec<Value> {
        let groups = answer.body["review_groups_data"].as_array().unwrap().iter();
        groups.map(|group| group["reviewed_by"]["email"].clone()).collect()
    };
    let yes = json!({ "status": "APPROVED" });
    let second = scene.vote(&owner, &id, yes.clone()).await;
    assert_eq!(second.body["status"], "PENDING", "{second:?}");
    let expected = [json!("bob@example.com"), Value::Null, json!("owner@example.com")];
    assert_eq!(told(&second), expected, "the place is free in the database, too");
    let done = scene.vote(&lead, &id, yes).await;
    assert_eq!(done.body["status"], "APPROVED", "{done:?}");
    let expected = ["lead@example.com", "bob@example.com", "owner@example.com"];
    assert_eq!(told(&done), expected.map(|who| json!(who)));
}

#[tokio::test]
async fn revoking_marks_the_sessions_that_stand_on_it() {
    let scene = Scene::new(json!({})).await;
    let id = scene.held("connect", None).await;
    scene.approve(&id).await;
    let Outcome::Grant(grant) = scene.ask("connect", None).await else { panic!("refused") };
    let session = session_id(&grant.session);
    let pending = scene.vote(&scene.eve, &id, json!({ "status": "REVOKED" })).await;
    assert_eq!(pending.status, 404, "not there for eve");
    let body = json!({ "status": "REVOKED", "rejection_reason": "enough" });
    let revoked = scene.vote(&scene.ann, &id, body).await;
    assert_eq!(revoked.body["status"], "REVOKED", "one may give back what one has: {revoked:?}");
    let store = &scene.world.app.store;
    let told = store.session_seen("edge", &[session], scene.world.app.now()).await.unwrap();
    assert_eq!(told[0].reason, hoop_domain::EndReason::AccessRevoked);
    assert_eq!(told[0].message, "the approval was revoked by ann@example.com: enough");
    assert_ne!(scene.held("connect", None).await, id);
}

#[tokio::test]
async fn what_is_rejected_or_over_stays_so() {
    let scene = Scene::new(json!({})).await;
    let rejected = scene.held("connect", None).await;
    let answer = scene.vote(&scene.bob, &rejected, json!({ "status": "REJECTED" })).await;
    assert_eq!(answer.body["status"], "REJECTED", "{answer:?}");
    let over = scene.held("connect", None).await;
    assert_ne!(over, rejected, "who asks again has a new request");
    scene.approve(&over).await;
    scene.world.sql("update reviews set ends_at = now() - interval '1 s'").await;
    for (id, is) in [(&rejected, "REJECTED"), (&over, "over")] {
        for status in ["APPROVED", "REJECTED", "REVOKED"] {
            let answer = scene.vote(&scene.bob, id, json!({ "status": status })).await;
            let done = status.to_lowercase();
            answer.is_problem(409, &format!("this request is {is}, so it can't be {done}"));
        }
    }
    let next = scene.held("connect", None).await;
    assert!(next != rejected && next != over, "neither opens anything");
}

#[tokio::test]
async fn a_program_asks_as_people_do() {
    let scene = Scene::new(json!({})).await;
    let body = json!({ "name": "ci", "groups": ["dba"] });
    let made = scene.world.post(&scene.root, "/api/api-keys", body).await;
    let key = made.body["key"].as_str().unwrap();
    let ask = || scene.ask_as(key, "exec", exec(&[], "select 1"));
    let Outcome::Denial(denial) = ask().await else { panic!("granted") };
    assert_eq!(denial.code, "review_required", "{denial:?}");
    let approved = scene.approve(&denial.review).await;
    assert_eq!(approved["review_owner"]["name"], "ci");
    assert_eq!(code(&ask().await), "granted");
    assert_eq!(code(&ask().await), "review_required", "once");
    let held = scene.world.post(key, "/api/connections/pg/credentials", json!({})).await;
    assert_eq!((held.status.as_u16(), &held.body["has_review"]), (202, &json!(true)), "{held:?}");
    scene.approve(held.body["review_id"].as_str().unwrap()).await;
    let made = scene.world.post(key, "/api/connections/pg/credentials", json!({})).await;
    assert_eq!(made.status, 201, "{made:?}");
}

#[tokio::test]
async fn who_may_say_what_is_said_in_words() {
    let scene = Scene::new(json!({ "force_approve_groups": ["chiefs"] })).await;
    let id = scene.held("connect", None).await;
    let approve = json!({ "status": "APPROVED" });
    let own = scene.vote(&scene.ann, &id, approve.clone()).await;
    own.is_problem(403, "nobody approves their own request; ask another reviewer");
    let admin = scene.vote(&scene.root, &id, approve.clone()).await;
    admin.is_problem(403, "you are in no group that reviews this request");
    let force = json!({ "status": "APPROVED", "force_review": true });
    let forced = scene.vote(&scene.bob, &id, force.clone()).await;
    let why = "you are in no group that may approve alone; approve without force_review";
    forced.is_problem(403, why);
    scene.vote(&scene.eve, &id, approve.clone()).await.is_problem(404, "there is no such review");
    let early = scene.vote(&scene.bob, &id, json!({ "status": "REVOKED" })).await;
    early.is_problem(409, "this request is PENDING, so it can't be revoked");
    for (body, field) in [
        (json!({ "status": "MAYBE" }), "status"),
        (json!({ "status": "REJECTED", "force_review": true }), "force_review"),
        (json!({ "status": "REJECTED", "rejection_reason": "a\nb" }), "rejection_reason"),
        (window("22:00", "22:00"), "time_window.configuration"),
        (window("late", "06:00"), "time_window.configuration"),
    ] {
        let answer = scene.vote(&scene.bob, &id, body).await;
        assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some(field)));
    }
    let chief = scene.world.user("chief@example.com", &["chiefs"]).await;
    let forced = scene.vote(&chief, &id, force).await;
    assert_eq!(forced.body["status"], "APPROVED", "{forced:?}");
    assert_eq!(forced.body["review_groups_data"][0]["forced_review"], json!(true));
}

fn window(from: &str, to: &str) -> Value {
    let configuration = json!({ "start_time": from, "end_time": to });
    json!({
        "status": "APPROVED",
        "time_window": { "type": "time_range", "configuration": configuration },
    })
}

#[tokio::test]
async fn every_vote_is_in_the_audit_log_right_or_wrong() {
    let scene = Scene::new(json!({})).await;
    let id = scene.held("connect", None).await;
    scene.vote(&scene.ann, &id, json!({ "status": "APPROVED" })).await;
    let no = json!({ "status": "REJECTED", "rejection_reason": "not on a Friday" });
    scene.vote(&scene.bob, &id, no.clone()).await;
    let list = scene.world.get(&scene.root, "/api/audit/logs?resource=reviews").await.body;
    let lines = list["data"].as_array().unwrap().iter();
    let lines = lines.map(|line| (line["actor_email"].clone(), line["http_status"].clone()));
    let expected = [("bob@example.com", 200), ("ann@example.com", 403)];
    let expected = expected.map(|(who, status)| (json!(who), json!(status)));
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    assert_eq!(list["data"][0]["request_payload_redacted"], no);
}

#[tokio::test]
async fn requests_come_in_pages_and_only_so_many_wait_at_once() {
    let scene = Scene::new(json!({})).await;
    for number in 0..20 {
        scene.held("exec", exec(&[], &format!("select {number}"))).await;
    }
    let Outcome::Denial(many) = scene.ask("exec", exec(&[], "one more")).await else {
        panic!("granted")
    };
    assert!(many.message.contains("20 requests of yours wait"), "{many:?}");
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = scene.world.get(&scene.bob, &format!("/api/reviews?limit=7{cursor}")).await.body;
        for review in page["data"].as_array().unwrap() {
            assert_eq!(review["input"], Value::Null, "not in lists");
            seen.push(review["id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            None => break,
            Some(next) => cursor = format!("&cursor={next}"),
        }
    }
    assert_eq!(seen.len(), 20);
    assert!(seen.is_sorted_by(|a, b| b < a), "the newest first");
    for (filter, count) in [
        ("type=jit", 0),
        ("type=onetime&limit=100", 20),
        ("status=approved", 0),
        ("user=ann@example.com&connection=pg&limit=100", 20),
        ("connection=other", 0),
    ] {
        let page = scene.world.get(&scene.root, &format!("/api/reviews?{filter}")).await.body;
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{filter}");
    }
    let wrong = scene.world.get(&scene.root, "/api/reviews?status=MAYBE").await;
    assert_eq!(wrong.body["field"], "status");
    let nul = scene.world.get(&scene.root, "/api/reviews?user=a%00b").await;
    assert_eq!((nul.status.as_u16(), &nul.body["field"]), (422, &json!("user")));
    assert_eq!(scene.world.get(&scene.eve, "/api/reviews").await.body["data"], json!([]));
}

/// Keeps all events in a table of their own: those that are published go.
async fn keep_events(world: &World) {
    world.sql("create table kept as select kind, body from outbox where false").await;
    world
        .sql(
            "create function keep() returns trigger language plpgsql as $$ begin
               insert into kept values (new.kind, new.body); return new; end $$;
             create trigger keep before insert on outbox for each row execute function keep()",
        )
        .await;
}

#[tokio::test]
async fn what_nobody_decides_about_is_over_once_and_everybody_is_told() {
    let scene = Scene::new(json!({})).await;
    keep_events(&scene.world).await;
    let id = scene.held("connect", None).await;
    let step = || crate::reconcile::step(&scene.world.app, false);
    step().await.unwrap();
    let shown = async || scene.world.get(&scene.ann, &format!("/api/reviews/{id}")).await.body;
    assert_eq!(shown().await["status"], "PENDING");
    scene.world.sql("update reviews set created_at = created_at - interval '8 days'").await;
    let late = scene.vote(&scene.bob, &id, json!({ "status": "APPROVED" })).await;
    let over = "nobody decided about this request in time, so it is over; who needs it asks again";
    late.is_problem(409, over);
    // As many processes look at once, and perhaps the one that runs beside this test.
    for done in join_all((0..3).map(|_| step())).await {
        done.unwrap();
    }
    let shown = shown().await;
    assert_eq!((&shown["status"], &shown["decided_by"]), (&json!("REJECTED"), &Value::Null));
    assert_eq!(shown["rejection_reason"], "nobody decided in time");
    let late = scene.vote(&scene.bob, &id, json!({ "status": "APPROVED" })).await;
    late.is_problem(409, over);
    let told = "select count(*) from kept where kind = 'review.rejected'
        and body->>'decided_by' is null";
    assert_eq!(scene.world.sql(told).await, "1");
    let path = "/api/audit/logs?resource=reviews&action=expire";
    let lines = scene.world.get(&scene.root, path).await.body["data"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 1, "{lines}");
    assert_eq!(lines[0]["http_path"], format!("/api/reviews/{id}"));
    assert_ne!(scene.held("connect", None).await, id, "who asks again has a new request");
}

#[tokio::test]
async fn a_request_tells_its_reviewers_and_a_decision_the_one_who_asked() {
    let scene = Scene::new(json!({})).await;
    keep_events(&scene.world).await;
    // A program has a say, and no address.
    let bot = json!({ "name": "bot", "groups": ["leads"] });
    assert_eq!(scene.world.post(&scene.root, "/api/api-keys", bot).await.status, 201);
    let id = scene.held("connect", None).await;
    scene.approve(&id).await;
    scene.vote(&scene.bob, &id, json!({ "status": "REVOKED" })).await;
    let other = scene.held("connect", None).await;
    scene.vote(&scene.bob, &other, json!({ "status": "REJECTED" })).await;
    let check = "do $$ begin
        assert (select array_agg(kind order by kind) from kept where kind like 'review.%')
          = array['review.approved', 'review.created', 'review.created', 'review.rejected',
                  'review.revoked'];
        assert (select bool_and(body->'reviewers' = '[\"bob@example.com\"]') from kept
                where kind = 'review.created');
        assert (select bool_and(body->>'user_email' = 'ann@example.com') from kept
                where kind like 'review.%');
      end $$";
    scene.world.sql(check).await;
}

#[tokio::test]
async fn a_connection_says_who_approves_and_nonsense_is_refused() {
    let scene = Scene::new(json!({ "min_review_approvals": 1 })).await;
    let shown = scene.world.get(&scene.root, "/api/connections/pg").await.body;
    assert_eq!(shown["reviewers"], json!(["leads", "ops"]));
    assert_eq!(shown["min_review_approvals"], json!(1));
    assert_eq!(shown["access_mode_runbooks"], "enabled");
    for (field, value) in [
        ("reviewers", json!(["a b"])),
        ("min_review_approvals", json!(3)),
        ("min_review_approvals", json!(0)),
        ("access_max_duration", json!(59)),
        ("access_max_duration", json!(48 * 3600 + 1)),
        ("jit_access_duration_sec", json!(0)),
        ("force_approve_groups", json!(["/"])),
        ("access_mode_runbooks", json!("perhaps")),
    ] {
        let mut body = pg_body("pg");
        body["reviewers"] = json!(["ops", "leads", "ops"]);
        body[field] = value;
        let answer = scene.world.put(&scene.root, "/api/connections/pg", body).await;
        assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some(field)));
    }
}
