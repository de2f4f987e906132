//! Honest answers are believed, and forged ones are not: by what is forged.

mod forge;

use hoop_domain::GroupName;
use hoop_runtime::Env;
use hoop_store::sign_in::SamlAnswer;

use super::*;
use crate::config::{Config, SignIn};
use forge::{CALLBACK, FOREIGN, HERE, IDP, NAME, OURS, REQUEST, SSO, Story, metadata};

const FORGED: &str = "hide a forgery";
const UNSIGNED: &str = "switch on signed assertions";
const UNKNOWN_KEY: &str = "give the gateway the current metadata";
const LATE: &str = "compare the clocks";

fn config(pairs: &[(&str, &str)]) -> Result<Config, String> {
    let all = [
        ("POSTGRES_DB_URI", "postgres://db/x"),
        ("NATS_URL", "nats://n"),
        ("SECRETS_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("API_URL", HERE),
        ("AUTH_METHOD", "saml"),
    ];
    let env = Env::from_pairs(all.iter().chain(pairs).copied()).unwrap();
    Config::from_env(&env).map_err(|error| error.to_string())
}

/// A gateway of a provider with our key, and what it knows of the provider.
fn provider() -> (Provider, Arc<Peer>) {
    let config = config(&[("IDP_METADATA", &metadata(&OURS))]).unwrap();
    let SignIn::Saml(idp) = config.sign_in else { panic!("another method") };
    let provider = Provider::new(*idp, &config.public_url.unwrap()).unwrap();
    let Source::Given(peer) = &provider.source else { panic!("another source") };
    let peer = peer.clone();
    (provider, peer)
}

fn judged_at(xml: &str, time: &str) -> Result<SamlAnswer, Error> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let (provider, peer) = provider();
    let now = format!("2026-11-23T{time}Z").parse().unwrap();
    let response = STANDARD.encode(xml);
    let answer = Answer { response: &response, relay_state: "state", request_id: REQUEST, now };
    provider.read(&peer, answer)
}

fn judged(xml: &str) -> Result<SamlAnswer, Error> {
    judged_at(xml, "12:00:10")
}

fn refused(xml: &str, words: &str) {
    let said = judged(xml).map(|it| it.identity.subject).unwrap_err().to_string();
    assert!(said.contains(words), "{words:?} is not in {said:?} of {xml}");
}

/// Whom the library alone lets in, without our look at the shape.
fn by_the_library(xml: &str) -> Option<String> {
    let (provider, peer) = provider();
    let now = "2026-11-23T12:00:10Z".parse().unwrap();
    let answer = Answer { response: "", relay_state: "state", request_id: REQUEST, now };
    let session = provider.verified(&peer, xml, answer).ok()?;
    Some(session.name_id().value().to_owned())
}

/// A story with one thing changed, signed by the provider all the same.
fn with(change: impl FnOnce(&mut Story)) -> String {
    let mut story = Story::default();
    change(&mut story);
    story.signed()
}

#[test]
fn what_the_provider_signed_is_believed() {
    let SamlAnswer { identity, ends_at } = judged(&Story::default().signed()).unwrap();
    assert_eq!(identity.subject, "saml:ann");
    assert_eq!(identity.email, "ann@example.com");
    assert_eq!(identity.name, "ann@example.com");
    let groups = identity.groups.unwrap();
    assert_eq!(groups.iter().map(GroupName::as_str).collect::<Vec<_>>(), ["dba", "ops"]);
    assert_eq!(ends_at, Some("2026-11-23T14:00:00Z".parse().unwrap()));

    // With the response signed as well, as many do.
    let both = OURS.response(&Story::default().signed());
    assert_eq!(judged(&both).unwrap().identity.subject, "saml:ann");
}

#[test]
fn who_is_in_no_group_any_more_is_in_none_here() {
    let answer = judged(&with(|story| {
        story.attributes = "<saml:Attribute Name=\"mail\"><saml:AttributeValue>a@b.c\
            </saml:AttributeValue></saml:Attribute>";
    }));
    assert_eq!(answer.unwrap().identity.groups, Some(Vec::new()));
}

#[test]
fn without_a_signature_of_the_assertion_by_the_providers_key_nothing_is_believed() {
    let story = Story::default();
    let bare = story.response(&story.assertion());
    refused(&bare, UNSIGNED);
    refused(&OURS.response(&bare), UNSIGNED);
    refused(&FOREIGN.assertion(&bare), UNKNOWN_KEY);
    refused(&FOREIGN.in_the_name_of(&OURS.certificate, &bare), UNKNOWN_KEY);
    // Changed after it was signed.
    refused(&story.signed().replace(">ann<", ">eve<"), UNKNOWN_KEY);
    // One good signature is no excuse for a bad one.
    refused(&FOREIGN.response(&story.signed()), UNKNOWN_KEY);
    let signed = story.signed();
    let (start, rest) = signed.split_once("<ds:SignatureValue>").unwrap();
    let (_, end) = rest.split_once("</ds:SignatureValue>").unwrap();
    let emptied = format!("{start}<ds:SignatureValue></ds:SignatureValue>{end}");
    assert!(judged(&emptied).is_err(), "without a value");
}

/// Forgeries that move the signed assertion about and put another where it was.
fn wrapped() -> Vec<(&'static str, String)> {
    let honest = Story::default();
    let signed = honest.signed();
    let start = signed.find("<saml:Assertion").unwrap();
    let (_, rest) = signed.split_at(start);
    let (original, _) = rest.split_once("</samlp:Response>").unwrap();
    let (before, rest) = original.split_once("<ds:Signature").unwrap();
    let (signature, after) = rest.split_once("</ds:Signature>").unwrap();
    let (unsigned, signature) =
        (format!("{before}{after}"), format!("<ds:Signature{signature}</ds:Signature>"));
    let evil = Story { id: "_evil", name_id: "eve", ..Story::default() }.assertion();
    // The signed assertion somewhere in the evil one, or in its signature.
    let inside = |open: &str, what: &str, close: &str| {
        evil.replace("<saml:Subject>", &format!("{open}{what}{close}<saml:Subject>"))
    };
    let object = |what: &str| {
        let object = format!("<ds:Object>{what}</ds:Object></ds:Signature>");
        signature.replace("</ds:Signature>", &object)
    };
    let data = |what: &str| {
        evil.replace(
            &format!("Recipient=\"{CALLBACK}\"/>"),
            &format!("Recipient=\"{CALLBACK}\">{what}</saml:SubjectConfirmationData>"),
        )
    };
    let value = format!(">{original}</saml:AttributeValue>");
    let whole = OURS.response(&honest.response(&unsigned));
    let outer = honest.response(&evil).replace("_response", "_outer");
    let list = vec![
        ("another behind", format!("{original}{evil}")),
        ("another in front", format!("{evil}{original}")),
        ("another with its id", format!("{original}{}", evil.replace("_evil", "_honest"))),
        ("another of a foreign kind", {
            let foreign = evil.replace("saml:", "x:").replace("xmlns:saml", "xmlns:x");
            format!(
                "{}{original}",
                foreign.replace("urn:oasis:names:tc:SAML:2.0:assertion", "urn:x")
            )
        }),
        ("in extensions", format!("<samlp:Extensions>{original}</samlp:Extensions>{evil}")),
        ("in advice", inside("<saml:Advice>", original, "</saml:Advice>")),
        ("as a child", inside("", original, "")),
        (
            "as a child with the signature outside",
            inside("", &format!("{signature}{unsigned}"), ""),
        ),
        ("in an object of its signature", inside("", &object(&unsigned), "")),
        ("in an object, signed", inside(&object(original), "", "")),
        ("in the confirmation", data(original)),
        ("in a value", evil.replace(">dba</saml:AttributeValue>", &value)),
        ("with the signature moved", inside("", &signature, "")),
    ];
    let mut list: Vec<_> =
        list.into_iter().map(|(name, inside)| (name, honest.response(&inside))).collect();
    let outer_signed =
        |what: &str| outer.replace("<samlp:Status>", &format!("{what}<samlp:Status>"));
    list.push(("a whole response in another", outer_signed(&whole)));
    list.push(("a whole response in an object", outer_signed(&object(&whole))));
    list
}

#[test]
fn a_signed_assertion_carries_no_other_in() {
    for (name, xml) in wrapped() {
        assert!(xml.contains(">eve<"), "{name} is no forgery");
        let error = judged(&xml).map(|it| it.identity.subject).expect_err(name);
        assert!(matches!(error, Error::Refused { .. }), "{name}: {error}");
        assert_ne!(by_the_library(&xml).as_deref(), Some("eve"), "{name}, by the library alone");
    }
}

#[test]
fn an_answer_to_or_of_or_for_another_is_not_believed() {
    let audience = format!("the entity ID (audience) of this gateway has to be {NAME}");
    let address = format!("the assertion consumer URL has to be {CALLBACK}");
    let elsewhere = "https://evil.example.com/api/saml/callback";
    refused(&with(|story| story.audience = "https://other.example.com".into()), &audience);
    refused(&with(|story| story.audience = format!("{NAME}/")), &audience);
    refused(&with(|story| story.destination = elsewhere.into()), &address);
    refused(&with(|story| story.recipient = elsewhere.into()), &address);
    refused(&with(|story| story.issuer = "https://evil.example.com"), "from another provider");
    refused(&with(|story| story.response_to = "_other"), "begin at the gateway");
    refused(&with(|story| story.confirmed_to = "_other"), "begin at the gateway");
    // What nobody asked for.
    let unasked = with(|story| (story.response_to, story.confirmed_to) = ("", ""));
    refused(&unasked, "begin at the gateway");
    let silent = Story::default();
    let silent = silent.response(&silent.assertion()).replace("InResponseTo", "x");
    refused(&OURS.assertion(&silent), "begin at the gateway");
    let anybody = Story::default();
    let (start, rest) =
        anybody.assertion().split_once("<saml:AudienceRestriction>").map(own).unwrap();
    let (_, end) = rest.split_once("</saml:AudienceRestriction>").unwrap();
    refused(&OURS.assertion(&anybody.response(&format!("{start}{end}"))), &audience);
}

fn own((start, end): (&str, &str)) -> (String, String) {
    (start.to_owned(), end.to_owned())
}

#[test]
fn an_answer_holds_for_its_time_and_half_a_minute() {
    let honest = Story::default().signed();
    for time in ["11:58:31", "12:00:00", "12:05:29"] {
        assert!(judged_at(&honest, time).is_ok(), "{time}");
    }
    for time in ["11:58:29", "12:05:31", "13:00:00"] {
        let said = judged_at(&honest, time).map(|it| it.identity.subject).unwrap_err().to_string();
        assert!(said.contains(LATE), "{time}: {said}");
    }
    refused(&with(|story| story.confirmed_until = "11:59:00"), LATE);
    refused(&with(|story| story.not_on_or_after = "11:59:00"), LATE);
    refused(&with(|story| story.not_before = "12:01:00"), LATE);
    let over = "<saml:AuthnStatement AuthnInstant=\"2026-11-23T10:00:00Z\" \
        SessionNotOnOrAfter=\"2026-11-23T11:00:00Z\"/>";
    refused(&with(|story| story.statement = over), LATE);
}

#[test]
fn a_comment_cuts_no_name_short() {
    let cut = with(|story| story.name_id = "ann<!-- -->.evil");
    refused(&cut, FORGED);
    assert_ne!(by_the_library(&cut).as_deref(), Some("ann"), "by the library alone");
    // Signatures don't cover comments, so one can be put in afterwards.
    let later = with(|story| story.name_id = "ann.evil").replace("ann.evil", "ann<!---->.evil");
    refused(&later, FORGED);
    assert_ne!(by_the_library(&later).as_deref(), Some("ann"), "by the library alone");
}

#[test]
fn weak_signatures_types_of_documents_and_what_is_no_answer_are_refused() {
    let honest = Story::default().signed();
    let sha1 = honest.replace(
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    );
    assert_ne!(sha1, honest);
    refused(&sha1, "choose RSA with SHA-256");
    assert_eq!(by_the_library(&sha1), None);

    let entity = format!(
        "<!DOCTYPE r [<!ENTITY e \"eve\">]>{}",
        with(|story| story.name_id = "ann").replace(">ann<", ">&e;<")
    );
    refused(&entity, FORGED);
    assert_eq!(by_the_library(&entity), None);

    refused("", "can't be read");
    refused("<html/>", "can't be read");
    refused(&"x".repeat(400_000), "can't be read");
    refused(&honest.replace("</samlp:Response>", ""), "can't be read");
}

#[test]
fn what_is_missing_is_said() {
    let silent = |change: fn(&mut Story), words: &str| refused(&with(change), words);
    silent(|story| story.statement = "", "has signed in");
    silent(|story| story.name_id = " ", "a NameID");
    silent(
        |story| story.format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        "not transient",
    );
    silent(|story| story.attributes = "", "attribute email");
    let by_name = judged(&with(|story| {
        story.attributes = "";
        story.name_id = "Bob@example.com";
        story.format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    }));
    assert_eq!(by_name.unwrap().identity.email, "bob@example.com");
}

#[test]
fn a_no_of_the_provider_is_told() {
    let no = Story::default().status("AuthnFailed", "");
    let error = judged(&no).map(|it| it.identity.subject).unwrap_err();
    assert!(matches!(&error, Error::Declined(word) if word == "AuthnFailed"), "{error}");
}

#[tokio::test]
async fn people_are_sent_with_a_request_of_their_own() {
    let (provider, _) = provider();
    let one = provider.depart("state").await.unwrap();
    let other = provider.depart("state").await.unwrap();
    assert_ne!(one.request_id, other.request_id);
    assert!(one.url.starts_with(&format!("{SSO}&SAMLRequest=")), "{}", one.url);
    assert!(one.url.ends_with("&RelayState=state"), "{}", one.url);
    let ours = provider.metadata_xml();
    for part in [NAME, CALLBACK, "WantAssertionsSigned=\"true\""] {
        assert!(ours.contains(part), "{part} is not in {ours}");
    }
}

#[test]
fn settings_that_are_of_no_use_stop_the_start_and_say_why() {
    let fails = |pairs: &[(&str, &str)], words: &str| {
        let said = config(pairs).map(|_| ()).unwrap_err();
        assert!(said.contains(words), "{words:?} is not in {said:?}");
    };
    let good = metadata(&OURS);
    fails(&[], "IDP_METADATA_URL is not set");
    fails(&[("API_URL", ""), ("IDP_METADATA", &good)], "API_URL is not set");
    let url = "https://idp.example.com/metadata";
    fails(&[("IDP_METADATA", &good), ("IDP_METADATA_URL", url)], "set one of them");
    fails(&[("IDP_METADATA_URL", "http://idp.example.com/m")], "has to begin with https://");
    fails(&[("IDP_METADATA_URL", "idp")], "is not a URL");
    fails(&[("IDP_METADATA", "<html/>")], "IDP_METADATA is malformed: it is not the metadata");
    fails(&[("IDP_METADATA", &good.replace("HTTP-Redirect", "HTTP-POST"))], "HTTP-Redirect");
    fails(&[("IDP_METADATA", &good.replace(SSO, "http://idp.example.com/sso"))], "https://");
    fails(&[("IDP_METADATA", &good.replace("X509Certificate", "X"))], "no certificate");
    fails(&[("IDP_METADATA", &good.replace(IDP, ""))], "is not the metadata");
    assert!(config(&[("IDP_METADATA_URL", url)]).is_ok());
}
