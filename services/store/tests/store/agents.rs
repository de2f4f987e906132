//! Agents, their keys and where they are.

use hoop_domain::AgentId;
use hoop_store::{Error, agent::Presence};

use crate::scene::{Scene, agent, at, new_agent};

fn presence(agent: AgentId, gone: bool) -> Presence {
    Presence {
        agent,
        version: "1.2.3".into(),
        hostname: "h".into(),
        platform: "linux/x86_64".into(),
        gone,
    }
}

#[tokio::test]
async fn a_revoked_key_is_no_key_and_its_name_is_free() {
    let Scene { store, org, .. } = Scene::new().await;
    let new = new_agent("dev");
    let id = org.agent_create(&new).await.unwrap();
    let twice = org.agent_create(&new_agent("dev")).await;
    assert!(matches!(twice, Err(Error::Conflict { .. })));

    assert_eq!(store.agent_by_token(&new.token_digest).await.unwrap().unwrap().id, id);
    org.agent_revoke(id).await.unwrap();
    assert!(store.agent_by_token(&new.token_digest).await.unwrap().is_none());
    assert!(matches!(org.agent_revoke(id).await, Err(Error::NotFound { .. })));
    assert!(org.agent_create(&new_agent("dev")).await.is_ok());
}

#[tokio::test]
async fn an_agent_is_online_while_an_edge_says_so() {
    let Scene { store, org, .. } = Scene::new().await;
    let id = agent(&org, "dev").await;
    let online = async |second| org.agent_fetch("dev", at(second)).await.unwrap().online;

    assert!(!online(0).await);
    store.agent_seen("edge-1", &presence(id, false), at(0)).await.unwrap();
    store.agent_seen("edge-2", &presence(id, false), at(5)).await.unwrap();
    assert!(online(29).await);
    store.agent_seen("edge-1", &presence(id, true), at(6)).await.unwrap();
    assert!(online(34).await, "the other edge still holds one");
    assert!(!online(35).await, "and has been silent since");
    assert_eq!(org.agent_fetch("dev", at(0)).await.unwrap().version, "1.2.3");
}

#[tokio::test]
async fn an_edge_learns_which_agents_it_should_not_hold() {
    let Scene { store, org, .. } = Scene::new().await;
    let (kept, revoked) = (agent(&org, "a").await, agent(&org, "b").await);
    let unheard_of = AgentId::generate();
    org.agent_revoke(revoked).await.unwrap();
    store.agent_seen("edge", &presence(unheard_of, false), at(0)).await.unwrap();

    let mut gone = store.agent_revoked_among(&[kept, revoked, unheard_of]).await.unwrap();
    gone.sort_unstable();
    let mut expect = vec![revoked, unheard_of];
    expect.sort_unstable();
    assert_eq!(gone, expect);
}

#[tokio::test]
async fn a_name_that_looks_like_an_id_does_not_stand_for_another_agent() {
    let Scene { org, .. } = Scene::new().await;
    let dev = agent(&org, "dev").await;
    let mimic = agent(&org, &dev.to_string()).await;
    assert_eq!(org.agent_fetch(&dev.to_string(), at(0)).await.unwrap().id, dev);
    assert_eq!(org.agent_fetch(&mimic.to_string(), at(0)).await.unwrap().id, mimic);
}
