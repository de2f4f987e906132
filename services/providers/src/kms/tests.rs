//! Keys that a service has wrapped, with servers that play those services.

use hoop_testkit::{aws, vault};

use super::*;

const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// The lists of keys that a process gets, or the sentence it ends with.
async fn keys(pairs: &[(&str, &str)]) -> Result<[Option<String>; 2], String> {
    hoop_runtime::process::install_crypto();
    let env = unwrapped(Env::from_pairs(pairs.iter().copied()).unwrap()).await;
    let env = env.map_err(|error| {
        let why = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", why.unwrap_or_default())
    })?;
    Ok(LISTS.map(|list| env.secret(list).unwrap()))
}

#[tokio::test]
async fn keys_that_nobody_wrapped_stay_as_they_are() {
    let found = keys(&[("SECRETS_KEY", ONE)]).await.unwrap();
    assert_eq!(found, [Some(ONE.to_owned()), None]);
}

#[tokio::test]
async fn vault_unwraps_each_key_of_each_list() {
    let server = vault::vault().await.unwrap();
    let secrets = format!("{},{}", server.wrap(ONE), server.wrap(TWO));
    let found = keys(&[
        ("SECRETS_KMS", "vault:transit/hoop"),
        ("SECRETS_KEY", &secrets),
        ("NOTIFY_SECRETS_KEY", &server.wrap(TWO)),
        ("VAULT_ADDR", &server.url()),
        ("VAULT_APP_ROLE_ID", vault::ROLE),
        ("VAULT_APP_SECRET_ID", vault::SECRET),
    ])
    .await;
    let expected = [format!("{ONE}\n{TWO}\n"), format!("{TWO}\n")];
    assert_eq!(found.unwrap(), expected.map(Some));
    assert_eq!(server.logins(), 1, "one login for all of them");
}

#[tokio::test]
async fn kms_unwraps_for_whom_it_lets() {
    let (server, wrapped) = aws::kms(ONE).await.unwrap();
    let settings = server.settings();
    let mut pairs: Vec<(&str, &str)> = settings.iter().map(|(n, v)| (*n, v.as_str())).collect();
    pairs.extend([("SECRETS_KMS", "aws"), ("SECRETS_KEY", wrapped.as_str())]);
    assert_eq!(keys(&pairs).await.unwrap(), [Some(format!("{ONE}\n")), None]);
    pairs.push(("AWS_SECRET_ACCESS_KEY", "a wrong key"));
    let refused = keys(&pairs).await.unwrap_err();
    assert!(refused.contains("SECRETS_KEY could not be unwrapped"), "{refused}");
    assert!(
        refused.contains("refuses this process") && !refused.contains("wrong key"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_is_not_unwrapped_stops_the_start_with_a_sentence() {
    let server = vault::vault().await.unwrap();
    let (url, wrapped) = (server.url(), server.wrap(ONE));
    let at = [("VAULT_ADDR", url.as_str()), ("VAULT_TOKEN", vault::TOKEN)];
    let kms = |kms| ("SECRETS_KMS", kms);
    for (settings, expected) in [
        (vec![kms("vault:transit/hoop"), ("SECRETS_KEY", ONE), at[0], at[1]], "(HTTP 400)"),
        (vec![kms("vault:transit/other"), ("SECRETS_KEY", &wrapped), at[0], at[1]], "(HTTP 405)"),
        (vec![kms("vault:transit/hoop"), ("SECRETS_KEY", &wrapped)], "there is no VAULT_ADDR"),
        (vec![kms("vault:transit/hoop"), ("SECRETS_KEY", &wrapped), at[0]], "no VAULT_TOKEN"),
        (
            vec![
                kms("vault:transit/hoop"),
                ("SECRETS_KEY", &wrapped),
                ("VAULT_ADDR", "http://127.0.0.1:1"),
                at[1],
            ],
            "can't be reached",
        ),
        (vec![kms("aws"), ("SECRETS_KEY", &wrapped)], "there is no AWS_REGION"),
        (vec![kms("vault:hoop"), ("SECRETS_KEY", &wrapped)], "expected vault:ENGINE/KEY"),
        (vec![kms("gcp")], "expected vault:ENGINE/KEY"),
    ] {
        let refused = keys(&settings).await.unwrap_err();
        assert!(refused.contains(expected), "{refused}");
        assert!(!refused.contains(ONE) && !refused.contains(&wrapped), "{refused}");
    }
}
