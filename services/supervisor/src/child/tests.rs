//! Children that are shells, which end as they are told.

use std::fs;

use super::*;

struct Scene {
    folder: tempfile::TempDir,
    family: Family,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roster = Roster::new(folder.path());
        let family =
            Family { logs: folder.path().to_owned(), roster, now: CancellationToken::new() };
        Self { folder, family }
    }

    fn keep(&self, script: &str) -> Child {
        let spec = Spec {
            name: "child",
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: Environment::basic(),
            folder: self.folder.path().to_owned(),
            account: None,
            ready: Ready::Line,
            stop: Signal::TERM,
            now: Signal::KILL,
            patience: Duration::from_secs(20),
        };
        Child::keep(spec, &self.family)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

const LIVE: &str = "trap 'echo bye >>ends; exit' TERM; echo $$ >>starts; echo READY {}; \
                    while :; do sleep 0.01; done";

#[tokio::test]
async fn a_child_that_never_gets_ready_fails_with_its_last_words() {
    let scene = Scene::new();
    let child = scene.keep("echo $$ >>starts; echo no such setting >&2; exit 3");
    let message = child.ready().await.unwrap_err().to_string();
    assert!(message.contains("child does not start: it ended with exit code 3"), "{message}");
    assert!(message.contains("child.log") && message.ends_with("no such setting"), "{message}");
    assert_eq!(scene.text("starts").lines().count(), 3);
    child.stop().await;
}

#[tokio::test]
async fn a_child_that_was_killed_is_started_again_and_finishes_when_it_is_asked_to() {
    let scene = Scene::new();
    let child = scene.keep(LIVE);
    child.ready().await.unwrap();
    let pid = scene.text("starts").trim().parse().ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.unwrap(), Signal::KILL).unwrap();
    let again = async || match scene.text("starts").lines().count() {
        2 => Ok(()),
        starts => anyhow::bail!("{starts} starts"),
    };
    hoop_testkit::eventually("the second start", again).await.unwrap();
    child.stop().await;
    assert_eq!(scene.text("ends"), "bye\n");
    assert_eq!(fs::read_to_string(scene.family.roster.path()).unwrap().trim(), "");
}

#[tokio::test]
async fn a_child_that_does_not_finish_is_killed_when_it_has_to_be_now() {
    let scene = Scene::new();
    let child = scene.keep("trap '' TERM; echo READY {}; while :; do sleep 0.01; done");
    child.ready().await.unwrap();
    scene.family.now.cancel();
    child.stop().await;
    assert_eq!(fs::read_to_string(scene.family.roster.path()).unwrap().trim(), "");
}
