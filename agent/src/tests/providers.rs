//! Secrets that are somewhere else, with servers that play those who have them.

use hoop_runtime::Env;
use hoop_testkit::{aws, vault};
use serde_json::json;

use crate::{Providers, secrets::Secrets};

fn providers(pairs: &[(&str, &str)]) -> Providers {
    hoop_runtime::process::install_crypto();
    Providers::from_env(&Env::from_pairs(pairs.iter().copied()).unwrap()).unwrap()
}

/// What `references`, a JSON object, lead to; or the sentence.
async fn resolve(providers: &Providers, references: serde_json::Value) -> Result<Secrets, String> {
    let secrets = Secrets::parse(references.to_string().as_bytes()).unwrap();
    crate::providers::resolve(providers, secrets).await.map_err(|unresolved| unresolved.to_string())
}

#[tokio::test]
async fn both_engines_of_vault_are_read_and_each_secret_once() {
    let server = vault::vault().await.unwrap();
    server.store("old/db", json!({ "password": "of kv 1", "port": 5432 }));
    server.store_versioned("prod/db", json!({ "password": "of kv 2", "user": "app" }));
    let providers = providers(&[("VAULT_ADDR", &server.url()), ("VAULT_TOKEN", vault::TOKEN)]);
    let found = resolve(
        &providers,
        json!({
            "HOST": "db.internal",
            "A": "_vaultkv1:kv/old/db:password",
            "PORT": "_vaultkv1:kv/old/db:port",
            "PASS": "_vaultkv2:secret/data/prod/db:password",
            "USER": "_vaultkv2:secret/data/prod/db:user",
            "SHORT": "_vaultkv2:secret/prod/db:user",
        }),
    )
    .await
    .unwrap();
    let expected = [
        ("A", "of kv 1"),
        ("HOST", "db.internal"),
        ("PASS", "of kv 2"),
        ("PORT", "5432"),
        ("SHORT", "app"),
        ("USER", "app"),
    ];
    assert_eq!(found.all().collect::<Vec<_>>(), expected);
    assert_eq!(format!("{found:?}").matches("***").count(), 6);
    let path = "secret/data/prod/db";
    assert_eq!(server.reads(), ["kv/old/db", path, path], "one question a name");
    // Nothing is kept for the next session.
    server.store_versioned("prod/db", json!({ "password": "another" }));
    let again = json!({ "PASS": "_vaultkv2:secret/data/prod/db:password" });
    assert_eq!(resolve(&providers, again).await.unwrap().text("PASS"), Some("another"));
}

#[tokio::test]
async fn a_role_logs_in_once_and_again_when_its_token_is_gone() {
    let server = vault::vault().await.unwrap();
    server.store_versioned("db", json!({ "password": "x" }));
    let providers = providers(&[
        ("VAULT_ADDR", &server.url()),
        ("VAULT_APP_ROLE_ID", vault::ROLE),
        ("VAULT_APP_SECRET_ID", vault::SECRET),
    ]);
    let reference = || json!({ "PASS": "_vaultkv2:secret/db:password" });
    for logins in [1, 1, 2] {
        if logins == 2 {
            server.revoke_logins();
        }
        assert!(resolve(&providers, reference()).await.is_ok());
        assert_eq!(server.logins(), logins);
    }
}

#[tokio::test]
async fn variables_of_the_agent_may_hold_json() {
    let providers = providers(&[("TARGET", r#"{"user":"app","tls":true}"#), ("PLAIN", "hunter2")]);
    let found = json!({ "USER": "_envjson:TARGET:user", "TLS": "_envjson:TARGET:tls" });
    let found = resolve(&providers, found).await.unwrap();
    assert_eq!((found.text("USER"), found.text("TLS")), (Some("app"), Some("true")));
    let plain = resolve(&providers, json!({ "PASS": "_envjson:PLAIN:x" })).await.unwrap_err();
    assert_eq!(
        plain,
        "the secret PASS could not be had from the agent's environment (_envjson:PLAIN:x): \
         the secret is no JSON object with keys"
    );
}

#[tokio::test]
async fn what_can_not_be_had_is_named_and_nothing_secret_is_said() {
    let server = vault::vault().await.unwrap();
    server.store_versioned("db", json!({ "password": "hunter2", "list": ["hunter2"] }));
    let url = server.url();
    let usual = [("VAULT_ADDR", url.as_str()), ("VAULT_TOKEN", vault::TOKEN)];
    let wrong = [("VAULT_ADDR", url.as_str()), ("VAULT_TOKEN", "hunter2")];
    let role = [
        ("VAULT_ADDR", url.as_str()),
        ("VAULT_APP_ROLE_ID", vault::ROLE),
        ("VAULT_APP_SECRET_ID", "hunter2"),
    ];
    let dead = [("VAULT_ADDR", "http://127.0.0.1:1"), ("VAULT_TOKEN", "hunter2")];
    let good = "_vaultkv2:secret/db:password";
    for (settings, reference, why) in [
        (&usual[..], "_vaultkv2:secret/nothing:password", "there is no such secret"),
        (&usual, "_vaultkv2:secret/db:nothing", "the secret has no key of that name"),
        (&usual, "_vaultkv2:secret/db:list", "neither text nor a number"),
        (&usual, "_vaultkv1:../sys/x:y", "one of dots"),
        (&wrong, good, "it refuses the agent (HTTP 403)"),
        (&role, good, "it refuses the agent (HTTP 400)"),
        (&dead, good, "Vault at 127.0.0.1 can't be reached from the agent"),
        (&usual[..1], good, "the agent has no VAULT_TOKEN, nor VAULT_APP_ROLE_ID"),
        (&[], good, "the agent has no VAULT_ADDR"),
        (&[], "_aws:db:password", "the agent has no AWS_REGION"),
        (&[], "_envjson:NOTHING:password", "there is no such secret"),
    ] {
        let refusal =
            resolve(&providers(settings), json!({ "PASS": reference })).await.unwrap_err();
        let begin = "the secret PASS could not be had from ";
        assert!(refusal.starts_with(begin) && refusal.contains(why), "{reference}: {refusal}");
        assert!(refusal.contains(reference) && !refusal.contains("hunter2"), "{refusal}");
    }
    let half = resolve(&providers(&usual), json!({ "PASS": "_aws:hunter2" })).await.unwrap_err();
    assert!(half.starts_with("the secret PASS: a reference has three parts"), "{half}");
    assert!(!half.contains("hunter2"), "{half}");
}

#[tokio::test]
async fn secrets_manager_is_asked_with_a_signature_that_it_accepts() {
    let secret = json!({ "password": "of aws", "port": 3306 });
    let server = aws::secrets_manager("prod/db", &secret).await.unwrap();
    let url = server.url();
    let settings = |key: &'static str| {
        let key = if key.is_empty() { server.key.clone() } else { key.to_owned() };
        let pairs = [
            ("AWS_REGION", aws::REGION.to_owned()),
            ("AWS_ENDPOINT_URL", url.clone()),
            ("AWS_ACCESS_KEY_ID", server.key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", key),
        ];
        hoop_runtime::process::install_crypto();
        Providers::from_env(&Env::from_pairs(pairs).unwrap()).unwrap()
    };
    let references = json!({ "PASS": "_aws:prod/db:password", "PORT": "_aws:prod/db:port" });
    let found = resolve(&settings(""), references).await.unwrap();
    assert_eq!((found.text("PASS"), found.text("PORT")), (Some("of aws"), Some("3306")));
    for (key, reference, why) in [
        ("", "_aws:nothing:password", "there is no such secret"),
        ("", "_aws:prod/db:nothing", "no key of that name"),
        ("", "_aws:not-json:password", "no JSON object with keys"),
        ("a wrong key", "_aws:prod/db:password", "it refuses the agent ("),
    ] {
        let refusal = resolve(&settings(key), json!({ "PASS": reference })).await.unwrap_err();
        let begin =
            format!("the secret PASS could not be had from AWS Secrets Manager ({reference}): ");
        assert!(refusal.starts_with(&begin) && refusal.contains(why), "{refusal}");
        assert!(!refusal.contains("hunter2") && !refusal.contains("wrong key"), "{refusal}");
    }
}
