//! What the environment accepts and what it says when it does not.

use std::time::Duration;

use super::{Env, VARIABLES, unused::UNUSED};

fn env(pairs: &[(&str, &str)]) -> Result<Env, super::Error> {
    Env::from_pairs(pairs.iter().copied())
}

#[test]
fn a_misspelt_setting_stops_the_start_and_names_the_right_one() {
    let error = env(&[("NATS_URI", "nats://localhost")]).unwrap_err();
    assert_eq!(error.to_string(), "NATS_URI is not a setting of hoop; did you mean NATS_URL?");
    let theirs = env(&[("HOOP_APIURL", "http://localhost")]).unwrap_err();
    let words = "HOOP_APIURL is not a setting of hoop; did you mean API_URL?";
    assert_eq!(theirs.to_string(), words);
    for (wrong, right) in [("SEGMENT_KEYS", "SEGMENT_KEY"), ("STATIC_UIPATH", "STATIC_UI_PATH")] {
        let error = env(&[(wrong, "x")]).unwrap_err().to_string();
        assert_eq!(error, format!("{wrong} is not a setting of hoop; did you mean {right}?"));
    }
}

#[test]
fn settings_of_other_programs_are_none_of_our_business() {
    for name in ["PATH", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "S3_SOMETHING_ELSE", "PGHOST"] {
        assert!(env(&[(name, "x")]).is_ok(), "{name}");
    }
    for name in ["SENTRY_ENVIRONMENT", "SENTRY_RELEASE", "PYROSCOPE_SERVER_ADDRESS"] {
        assert!(env(&[(name, "x")]).is_ok(), "{name}");
    }
    assert!(env(&[("SENTRY_DNS", "x")]).is_err() && env(&[("AGENT_SENTRY_DNS", "x")]).is_err());
}

#[test]
fn a_secret_is_in_a_variable_or_in_a_file_and_not_in_both() {
    // Any file will do that is there wherever tests run.
    let file = ("SECRETS_KEY_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let secret = |pairs: &[(&str, &str)]| {
        env(pairs).unwrap().secret("SECRETS_KEY").map_err(|e| e.to_string())
    };
    assert_eq!(secret(&[]).unwrap(), None);
    assert_eq!(secret(&[("SECRETS_KEY", "x")]).unwrap().as_deref(), Some("x"));
    assert!(secret(&[file]).unwrap().unwrap().contains("hoop-runtime"));
    let error = secret(&[file, ("SECRETS_KEY", "x")]).unwrap_err();
    assert_eq!(error, "SECRETS_KEY_FILE is malformed: SECRETS_KEY is set, too; set one of them");
    let error = secret(&[("SECRETS_KEY_FILE", "/nowhere")]).unwrap_err();
    assert!(error.starts_with("SECRETS_KEY_FILE is malformed: /nowhere can't be read"), "{error}");
}

#[test]
fn a_value_says_in_its_own_words_what_is_wrong_with_it() {
    let env = env(&[("TRUSTED_PROXIES", "not an address")]).unwrap();
    let error = env.explained::<std::net::IpAddr>("TRUSTED_PROXIES").unwrap_err();
    assert_eq!(error.to_string(), "TRUSTED_PROXIES is malformed: invalid IP address syntax");
    assert_eq!(env.explained::<std::net::IpAddr>("API_URL").unwrap(), None);
}

#[test]
fn what_kubernetes_adds_for_a_service_is_none_of_our_business() {
    for name in ["NATS_SERVICE_HOST", "HOOP_SERVICE_PORT_GRPC", "HOOP_PORT_8009_TCP", "API_PORT"] {
        assert!(env(&[(name, "x")]).is_ok(), "{name}");
    }
}

#[test]
fn an_unknown_setting_with_a_prefix_of_ours_stops_the_start() {
    let error = env(&[("AUDIT_COLOUR", "red")]).unwrap_err();
    assert_eq!(error.to_string(), "AUDIT_COLOUR is not a setting of hoop");
}

#[test]
fn a_switch_is_set_to_its_word_or_not_at_all() {
    for (name, word) in [("PROFILE", "dev"), ("PROFILE_DEV_FORCE", "1"), ("LOG_GRPC", "1")] {
        assert_eq!(env(&[]).unwrap().only(name, word), Ok(false));
        assert_eq!(env(&[(name, "")]).unwrap().only(name, word), Ok(false));
        assert_eq!(env(&[(name, word)]).unwrap().only(name, word), Ok(true));
        for wrong in ["Dev", "production", "true", "0", "dev ", " 1"] {
            let error = env(&[(name, wrong)]).unwrap().only(name, word).unwrap_err();
            let begins = format!("{name} is malformed: {wrong:?} is not {word}");
            assert!(error.to_string().starts_with(&begins), "{error}");
        }
    }
}

#[test]
fn what_documents_name_and_nothing_reads_stops_no_process_and_is_told() {
    let env_of = |value: &'static str| {
        Env::from_pairs(UNUSED.iter().map(|(name, _)| (*name, value))).unwrap()
    };
    let names: Vec<_> = UNUSED.iter().map(|(name, _)| *name).collect();
    assert_eq!(env_of("x").unused().collect::<Vec<_>>(), names);
    assert_eq!(env_of("").unused().count(), 0);
    for (name, purpose) in UNUSED {
        let alone = env(&[(*name, "x")]).unwrap();
        assert_eq!(alone.unused().collect::<Vec<_>>(), [*name]);
        assert!(VARIABLES.iter().all(|variable| variable.name != *name), "{name} is read");
        assert!(!purpose.is_empty(), "{name}");
    }
    assert!(env(&[("PLUGIN_REGISTRY_URI", "x")]).is_err(), "it is none of either");
}

#[test]
fn the_old_state_store_is_refused_with_what_replaces_it() {
    let error = env(&[("XTDB_ADDRESS", "x")]).unwrap_err();
    assert!(error.to_string().contains("set POSTGRES_DB_URI"));
}

#[test]
fn a_malformed_port_names_the_variable() {
    let pairs = [("PG_HOST", "db"), ("PG_USER", "u"), ("PG_DB", "d"), ("PG_PORT", "abc")];
    let error = env(&pairs).unwrap().postgres_uri().unwrap_err();
    assert_eq!(
        error.to_string(),
        "PG_PORT is malformed: \"abc\" is not a valid number from 0 to 65535"
    );
}

#[test]
fn a_uri_is_made_of_its_parts_and_escapes_them() {
    let pairs = [("PG_HOST", "db"), ("PG_USER", "u"), ("PG_DB", "d"), ("PGPASSWORD", "a/b@c")];
    assert_eq!(env(&pairs).unwrap().postgres_uri().unwrap(), "postgres://u:a%2Fb%40c@db:5432/d");
}

#[test]
fn durations_have_units() {
    let env = env(&[("AUDIT_SEGMENT_AGE", "250ms"), ("EDGE_DRAIN_TIMEOUT", "5")]).unwrap();
    let other = Duration::from_secs(1);
    assert_eq!(env.duration("AUDIT_SEGMENT_AGE", other), Ok(Duration::from_millis(250)));
    assert!(env.duration("EDGE_DRAIN_TIMEOUT", other).is_err());
}

#[test]
fn every_variable_is_listed_once_and_says_what_it_means() {
    let mut names: Vec<_> = VARIABLES.iter().map(|variable| variable.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), VARIABLES.len());
    assert!(VARIABLES.iter().all(|variable| !variable.meaning.is_empty()));
}
