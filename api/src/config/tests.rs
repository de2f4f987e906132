//! What stops the start-up, and what it says.

use hoop_domain::agent_key::AgentKey;
use hoop_runtime::Env;

use super::{Config, GrpcUrl, NativeAddress};

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn config(pairs: &[(&str, &str)]) -> Result<Config, String> {
    let all = [
        ("POSTGRES_DB_URI", "postgres://db/x"),
        ("NATS_URL", "nats://n"),
        ("API_URL", "https://hoop.example.com"),
    ];
    let env = Env::from_pairs(all.iter().chain(pairs).copied()).unwrap();
    Config::from_env(&env).map_err(|error| error.to_string())
}

#[test]
fn production_needs_a_key_for_secrets() {
    assert!(config(&[]).unwrap_err().starts_with("SECRETS_KEY is not set"));
    assert!(config(&[("SECRETS_KEY", "c2hvcnQ=")]).unwrap_err().contains("32 bytes"));
    assert!(!config(&[("SECRETS_KEY", KEY)]).unwrap().dev);
}

#[test]
fn production_has_a_public_url_however_people_sign_in() {
    let provider = [
        ("AUTH_METHOD", "oidc"),
        ("IDP_ISSUER", "https://idp.example.com"),
        ("IDP_CLIENT_ID", "hoop"),
        ("IDP_CLIENT_SECRET", "hunter2"),
    ];
    let without = |pairs: &[(&str, &str)]| {
        let config = config(&[&[("SECRETS_KEY", KEY), ("API_URL", "")][..], pairs].concat());
        config.map(|config| config.public_url.map(|url| url.to_string()))
    };
    let sentence = "API_URL is not set: the public URL of the REST API, such as https://";
    let methods: [&[(&str, &str)]; 3] = [&[], &[("AUTH_METHOD", "local")], &provider];
    for pairs in methods {
        let refused = without(pairs).unwrap_err();
        assert!(refused.starts_with(sentence), "{pairs:?}: {refused}");
    }
    assert_eq!(without(&[("PROFILE", "dev")]), Ok(None));
    let dev = [&provider[..], &[("PROFILE", "dev")]].concat();
    assert!(without(&dev).unwrap_err().starts_with(sentence), "the provider has to know it");
    for nonsense in ["hoop.example.com", "grpc://hoop.example.com", "https://"] {
        let refused = without(&[("API_URL", nonsense)]).unwrap_err();
        assert!(refused.starts_with("API_URL is malformed"), "{nonsense}: {refused}");
    }
}

#[test]
fn without_authentication_the_api_stays_on_loopback() {
    let config_of = |listen: &str, force: &str| {
        config(&[("PROFILE", "dev"), ("API_LISTEN", listen), ("PROFILE_DEV_FORCE", force)])
    };
    assert!(config_of("", "").unwrap().listen.ip().is_loopback());
    assert!(config_of("0.0.0.0:0", "").unwrap_err().starts_with("API_LISTEN is malformed"));
    assert!(config_of("0.0.0.0:0", "1").unwrap().dev);
    let refused = config_of("0.0.0.0:0", "yes").unwrap_err();
    assert!(refused.starts_with("PROFILE_DEV_FORCE is malformed"), "{refused}");
    assert!(config(&[("PROFILE", "Dev")]).unwrap_err().starts_with("PROFILE is malformed"));
}

#[test]
fn a_request_waits_a_week_or_as_long_as_is_said_and_that_is_sensible() {
    let waits = |text: &str| {
        let config = config(&[("SECRETS_KEY", KEY), ("REVIEW_PENDING_TTL", text)]);
        config.map(|config| config.review_pending.num_hours())
    };
    assert_eq!((waits(""), waits("48h")), (Ok(168), Ok(48)));
    for nonsense in ["a week", "30s", "9000h"] {
        let refused = waits(nonsense).unwrap_err();
        assert!(refused.starts_with("REVIEW_PENDING_TTL is malformed"), "{refused}");
    }
}

#[test]
fn runbooks_are_in_a_folder_that_is_there() {
    let config = |path: &str| config(&[("SECRETS_KEY", KEY), ("RUNBOOKS_PATH", path)]);
    assert!(config("").unwrap().runbooks.is_none());
    assert!(config("/").unwrap().runbooks.is_some());
    let refused = config("/no/such/folder").unwrap_err();
    let why = "RUNBOOKS_PATH is malformed: /no/such/folder is no folder that can be read";
    assert!(refused.starts_with(why), "{refused}");
}

#[test]
fn a_user_interface_is_a_folder_with_a_first_page() {
    let config = |path: &str| config(&[("SECRETS_KEY", KEY), ("STATIC_UI_PATH", path)]);
    assert!(config("").unwrap().ui.is_none(), "there is none where an image would have it");
    let refused = config("/no/such/folder").unwrap_err();
    let why = "STATIC_UI_PATH is malformed: /no/such/folder is no folder that can be read";
    assert!(refused.starts_with(why), "{refused}");
    let folder = tempfile::tempdir().unwrap();
    let (path, index) = (folder.path().to_str().unwrap(), folder.path().join("index.html"));
    let refused = config(path).unwrap_err();
    let why = "has no file index.html that can be read";
    assert_eq!(refused, format!("STATIC_UI_PATH is malformed: {path} {why}"));
    std::fs::write(&index, "<html>").unwrap();
    assert!(config(path).unwrap().ui.is_some());
    let refused = config(index.to_str().unwrap()).unwrap_err();
    assert!(refused.contains("is no folder"), "{refused}");
}

#[test]
fn an_agents_key_names_it_and_the_gateway() {
    let url: GrpcUrl = "grpcs://gateway.example.com:8443/".parse().unwrap();
    let key = AgentKey::generate().unwrap();
    let text = url.hoop_key(&"dev".parse().unwrap(), &key, "standard");
    assert_eq!(
        text,
        format!("grpcs://dev:{}@gateway.example.com:8443?mode=standard", key.reveal())
    );
    for wrong in ["", "gateway:8443", "ftp://gateway:1", "grpc://gateway", "grpc://a@b:1"] {
        assert!(wrong.parse::<GrpcUrl>().is_err(), "{wrong}");
    }
}

#[test]
fn an_address_has_a_host_and_a_port() {
    let address: NativeAddress = "[::1]:15432".parse().unwrap();
    assert_eq!((address.host.as_str(), address.port), ("::1", 15432));
    assert_eq!(address.to_string(), "[::1]:15432");
    for wrong in ["", "host", "host:", "host:0", ":1", "ho st:1", "host:70000"] {
        assert!(wrong.parse::<NativeAddress>().is_err(), "{wrong}");
    }
}

#[test]
fn a_way_to_sign_in_is_one_that_there_is_and_whole() {
    let config = |pairs: &[(&str, &str)]| {
        config(&[&[("SECRETS_KEY", KEY)][..], pairs].concat()).map(|config| config.sign_in.as_str())
    };
    assert_eq!(config(&[]).unwrap(), "local");
    let ldap = config(&[("AUTH_METHOD", "ldap")]).unwrap_err();
    assert_eq!(ldap, "AUTH_METHOD is malformed: is none of local, oidc and saml");
    let provider = [
        ("IDP_ISSUER", "https://idp.example.com"),
        ("IDP_CLIENT_ID", "hoop"),
        ("IDP_CLIENT_SECRET", "hunter2"),
    ];
    assert_eq!(config(&provider).unwrap(), "oidc");
    for name in ["IDP_CLIENT_ID", "IDP_CLIENT_SECRET"] {
        let rest: Vec<_> = provider.into_iter().filter(|(known, _)| *known != name).collect();
        let refused = config(&rest).unwrap_err();
        assert!(refused.starts_with(&format!("{name} is not set")), "{refused}");
    }
}

#[test]
fn what_is_said_of_signing_in_goes_before_what_else_is_set() {
    let provider = [
        ("SECRETS_KEY", KEY),
        ("API_URL", "https://hoop.example.com"),
        ("IDP_ISSUER", "https://idp.example.com"),
        ("IDP_CLIENT_ID", "hoop"),
        ("IDP_CLIENT_SECRET", "hunter2"),
    ];
    let method = |name: &'static str, without: &str| {
        let rest = provider.into_iter().filter(|(known, _)| *known != without);
        let pairs: Vec<_> = rest.chain([("AUTH_METHOD", name)]).collect();
        config(&pairs).map(|config| config.sign_in.as_str())
    };
    assert_eq!(method("local", ""), Ok("local"), "whatever provider there is beside it");
    assert_eq!(method("local", "IDP_CLIENT_SECRET"), Ok("local"));
    assert_eq!(method("oidc", ""), Ok("oidc"));
    assert_eq!(method("", "IDP_ISSUER"), Ok("local"), "an issuer is what makes a provider");
    let refused = method("oidc", "IDP_ISSUER").unwrap_err();
    assert!(refused.starts_with("IDP_ISSUER is not set"), "{refused}");
    let refused = method("saml", "").unwrap_err();
    assert!(refused.starts_with("IDP_METADATA_URL is not set"), "{refused}");
}
