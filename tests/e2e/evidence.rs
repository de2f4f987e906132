//! Whoever verifies notices what was done to a recording, even by somebody who can write to
//! the gateway's database.

use std::path::Path;

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::manifest::SigningKey;
use hoop_tests::{Gateway, Psql, cli::Person};
use serde_json::Value;

use crate::{Result, live::Talker};

/// A gateway with three finished recordings, an auditor, and the key that is ours.
struct Scene {
    gateway: Gateway,
    auditor: Person,
    key: String,
    /// In the order of the chain.
    sessions: Vec<String>,
}

impl Scene {
    async fn new() -> Result<Self> {
        let gateway = Gateway::usual().await?;
        let access = gateway.access(1).await?;
        for number in 1..=3 {
            access.answer(&format!("select {number}, repeat('x', 100000)")).await?;
        }
        let ids = "select string_agg(session::text, ' ' order by position) from manifests";
        let ids = hoop_testkit::eventually("three manifests", async || {
            let ids = gateway.run_on_state(ids).await?;
            ensure!(ids.split(' ').count() == 3, "{ids}");
            Ok(ids)
        })
        .await?;
        let seed = <[u8; 32]>::try_from(STANDARD.decode(&gateway.keys.signing)?);
        let seed = seed.ok().context("the signing key's seed has another length")?;
        let key = SigningKey::from_seed(&seed).ok().context("no signing key")?.public_key();
        let sessions = ids.split(' ').map(str::to_owned).collect();
        let auditor = Person::signed_in(&gateway).await?;
        Ok(Self { gateway, auditor, key: STANDARD.encode(key.0), sessions })
    }

    /// The exit code of `hoop audit verify` and what it found, as codes.
    async fn verify(&self, arguments: &[&str]) -> Result<(i32, Vec<String>)> {
        let fixed = ["audit", "verify", "-o", "json", "--public-key", &self.key];
        let output = self.auditor.hoop(&[&fixed, arguments].concat())?.output().await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let found: Value = serde_json::from_slice(&output.stdout).context(said)?;
        let recordings = found.get("recordings").and_then(Value::as_array);
        let recordings = recordings.context("no recordings")?;
        let lists = recordings.iter().filter_map(|recording| recording.get("findings"));
        let codes = lists.chain(found.get("chain")).filter_map(Value::as_array).flatten();
        let codes = codes.filter_map(|finding| Some(finding.get("code")?.as_str()?.to_owned()));
        Ok((output.status.code().context("no exit code")?, codes.collect()))
    }

    async fn expect(&self, arguments: &[&str], codes: &[&str]) -> Result {
        let (exit, found) = self.verify(arguments).await?;
        ensure!(found == codes, "found {found:?} and not {codes:?}");
        ensure!((exit == 0) == codes.is_empty(), "exit code {exit} with {found:?}");
        Ok(())
    }

    async fn tamper(&self, sql: &str) -> Result {
        self.gateway.run_on_state(sql).await.map(drop)
    }
}

#[tokio::test]
async fn recordings_that_nobody_touched_verify_online_and_offline() -> Result {
    let scene = Scene::new().await?;
    scene.expect(&[], &[]).await?;
    let [first, ..] = &scene.sessions[..] else { anyhow::bail!("no session") };
    scene.expect(&["--session", first], &[]).await?;

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("evidence.tar").display().to_string();
    let export = ["audit", "export", first, "--file", &file];
    Psql(scene.auditor.hoop(&export)?.output().await?).success()?;
    // On a machine that knows no gateway.
    let stranger = Person::new()?;
    let verify = ["audit", "verify", &file, "--public-key", &scene.key];
    let shown = Psql(stranger.hoop(&verify)?.output().await?).success()?;
    ensure!(shown.starts_with("ok "), "{shown}");
    let wrong = ["audit", "verify", &file, "--public-key", &STANDARD.encode([7; 32])];
    let output = stranger.hoop(&wrong)?.output().await?;
    ensure!(output.status.code() == Some(1), "{:?}", output.status);
    without_its_last_segment(Path::new(&file))?;
    let output = stranger.hoop(&verify)?.output().await?;
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.code() == Some(1) && shown.contains("is missing"), "{shown}");
    Ok(())
}

/// Takes the last segment out of an archive.
fn without_its_last_segment(path: &Path) -> Result {
    let mut archive = tar::Archive::new(std::fs::File::open(path)?);
    let mut rest = tar::Builder::new(Vec::new());
    let mut files = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let mut data = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut data)?;
        files.push((entry.header().clone(), data));
    }
    files.pop();
    for (header, data) in files {
        rest.append(&header, &data[..])?;
    }
    Ok(std::fs::write(path, rest.into_inner()?)?)
}

#[tokio::test]
async fn each_kind_of_tampering_is_found_and_named() -> Result {
    let scene = Scene::new().await?;
    let [first, second, third] = &scene.sessions[..] else { anyhow::bail!("no three sessions") };
    // A byte of a segment, and back.
    let touch = "stored = set_byte(stored, 40, get_byte(stored, 40) # 1)";
    let segment = format!("session = '{first}' and number = 0");
    scene.tamper(&format!("update recording_segments set {touch} where {segment}")).await?;
    let (exit, found) = scene.verify(&["--session", first]).await?;
    ensure!(exit == 1 && found.contains(&"segment_changed".to_owned()), "{found:?}");
    scene.tamper(&format!("update recording_segments set {touch} where {segment}")).await?;
    scene.expect(&[], &[]).await?;

    // A whole segment, which is the recording's end.
    scene.tamper(&format!("delete from recording_segments where session = '{second}'")).await?;
    let (exit, found) = scene.verify(&["--session", second]).await?;
    ensure!(exit == 1 && found[..1] == ["segment_missing"], "{found:?}");
    ensure!(found.contains(&"cut_off".to_owned()), "{found:?}");

    // The session, of which only the manifest is left.
    scene.tamper(&format!("delete from sessions where id = '{second}'")).await?;
    scene.expect(&[], &["recording_missing"]).await?;
    // And the manifest, too.
    scene.tamper(&format!("delete from manifests where session = '{second}'")).await?;
    scene.expect(&[], &["manifests_missing"]).await?;

    // A manifest that says something else: changed, and signed anew with another key.
    let other = "encoded = replace(encoded, 'client_closed', 'killed')";
    scene.tamper(&format!("update manifests set {other} where session = '{first}'")).await?;
    scene.expect(&["--session", first], &["wrong_signature"]).await?;
    let forger = SigningKey::from_seed(&[9; 32]).ok().context("no key")?;
    let encoded = format!("select encoded from manifests where session = '{first}'");
    let encoded = format!("{}\n", scene.gateway.run_on_state(&encoded).await?.trim_end());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (id, public, signature) =
        (forger.public_key().id(), forger.public_key(), forger.sign(&encoded));
    let key = format!("'\\x{id}', '\\x{}'", hex(&public.0));
    scene.tamper(&format!("insert into manifest_keys (id, public_key) values ({key})")).await?;
    let forged = format!("signature = '\\x{}', key_id = '\\x{id}'", hex(&signature));
    scene.tamper(&format!("update manifests set {forged} where session = '{first}'")).await?;
    scene.expect(&["--session", first], &["untrusted_key"]).await?;
    scene.expect(&["--session", third], &[]).await
}

#[tokio::test]
async fn who_remembers_the_chain_notices_that_its_end_is_gone() -> Result {
    let scene = Scene::new().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("head").display().to_string();
    scene.expect(&["--remember", &file], &[]).await?;
    let [.., last] = &scene.sessions[..] else { anyhow::bail!("no session") };
    // With the end that is noted apart, nothing that is left says so.
    scene.tamper(&format!("delete from manifests where session = '{last}'")).await?;
    scene.expect(&[], &["chain_cut_off"]).await?;
    let previous = "(select position from manifests order by position desc limit 1)";
    scene.tamper(&format!("update manifest_heads set position = {previous}")).await?;
    scene.expect(&[], &["manifest_replaced"]).await?;
    let encoded = "select encoded from manifests order by position desc limit 1";
    let encoded = scene.gateway.run_on_state(encoded).await?;
    let digest = blake3::hash(format!("{}\n", encoded.trim_end()).as_bytes()).to_hex();
    scene.tamper(&format!("update manifest_heads set digest = '\\x{digest}'")).await?;
    scene.expect(&[], &[]).await?;
    scene.expect(&["--remember", &file], &["chain_cut_off"]).await?;
    scene.expect(&["--remember", &file], &["chain_cut_off"]).await
}

#[tokio::test]
async fn an_open_session_is_verified_and_each_kind_of_tampering_with_it_is_found() -> Result {
    let scene = Scene::new().await?;
    let Scene { gateway, .. } = &scene;
    let mut psql = Talker::start(&gateway.access(1).await?)?;
    psql.tell("select 'the first segment'").await?;
    let signed = async |count: u32| {
        let sql = "select coalesce(max(c.segments), 0) from checkpoints c
                   where not exists (select 1 from manifests m where m.session = c.session)";
        hoop_testkit::eventually("a checkpoint", async || {
            let found: u32 = gateway.run_on_state(sql).await?.trim().parse()?;
            ensure!(count <= found, "{found} segments");
            Ok(())
        })
        .await
    };
    signed(1).await?;
    psql.tell("select 'the second segment'").await?;
    signed(2).await?;
    let open = "select session from checkpoints c
                where not exists (select 1 from manifests m where m.session = c.session)";
    let id = gateway.run_on_state(open).await?.trim().to_owned();
    // From here on nothing is added.
    hoop_testkit::eventually("all to be signed", async || {
        let recording = gateway.rest.recording(&id).await?;
        let output = recording.output_bytes()?;
        ensure!(output.windows(18).any(|words| words == b"the second segment"), "no answer");
        let there = recording.input.len() + recording.output.len();
        let sql = format!("select in_packets + out_packets from recordings where session = '{id}'");
        let stored: usize = gateway.run_on_state(&sql).await?.trim().parse()?;
        ensure!(there == stored, "{stored} of {there} packets are stored");
        Ok(())
    })
    .await?;
    scene.expect(&["--session", &id], &[]).await?;
    scene.expect(&[], &[]).await?;

    // As evidence, on a machine that knows no gateway.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("evidence.tar").display().to_string();
    Psql(scene.auditor.hoop(&["audit", "export", &id, "--file", &file])?.output().await?)
        .success()?;
    let verify = ["audit", "verify", &file, "--public-key", &scene.key];
    let shown = Psql(Person::new()?.hoop(&verify)?.output().await?).success()?;
    ensure!(shown.starts_with("ok ") && shown.contains("still open"), "{shown}");

    let of = format!("where session = '{id}'");
    scene.tamper(&format!("create table kept as select * from recording_segments {of}")).await?;
    scene.tamper(&format!("create table signed as select * from checkpoints {of}")).await?;
    // The tail.
    scene.tamper(&format!("delete from recording_segments {of} and 1 <= number")).await?;
    let (exit, found) = scene.verify(&[]).await?;
    ensure!(exit == 1 && found.first().is_some_and(|code| code == "segment_missing"), "{found:?}");
    ensure!(found.contains(&"cut_off".to_owned()), "{found:?}");
    let missing = "where k.number not in (select number from recording_segments r
                     where r.session = k.session)";
    scene.tamper(&format!("insert into recording_segments select * from kept k {missing}")).await?;
    scene.expect(&[], &[]).await?;
    // The checkpoint.
    scene
        .tamper(&format!(
            "update checkpoints set encoded = replace(encoded, 'ended 1', 'ended 2') {of}"
        ))
        .await?;
    scene.expect(&[], &["checkpoint_changed"]).await?;
    scene.tamper(&format!("delete from checkpoints {of}")).await?;
    scene.expect(&[], &["checkpoint_missing"]).await?;
    scene.tamper("insert into checkpoints select * from signed").await?;
    scene.expect(&[], &[]).await?;
    psql.end().await?;
    gateway.rest.session_done(&id).await?;
    scene.expect(&[], &[]).await
}
