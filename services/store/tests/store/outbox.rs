//! Events are published at least once, and by one process at a time.

use crate::scene::{Scene, user};

#[tokio::test]
async fn two_processes_claim_different_events_and_a_dropped_claim_comes_back() {
    let Scene { store, org, .. } = Scene::new().await;
    for name in ["a@x", "b@x", "c@x"] {
        user(&org, name, &[]).await;
    }
    let first = store.outbox_claim(2).await.unwrap();
    let second = store.outbox_claim(2).await.unwrap();
    let ids = |claim: &hoop_store::outbox::Claim| {
        claim.events().iter().map(|event| event.id).collect::<Vec<_>>()
    };
    let (mine, theirs) = (ids(&first), ids(&second));
    assert_eq!((mine.len(), theirs.len()), (2, 1));
    assert!(mine.iter().all(|id| !theirs.contains(id)));

    // The broker took one of two, and the other process died.
    first.published(1).await.unwrap();
    drop(second);
    let left = hoop_testkit::eventually("the dropped claim to be free", async || {
        let claim = store.outbox_claim(10).await?;
        anyhow::ensure!(claim.events().len() == 2, "{:?}", claim.events());
        Ok(ids(&claim))
    })
    .await
    .unwrap();
    assert_eq!(left, [mine[1], theirs[0]]);
}
