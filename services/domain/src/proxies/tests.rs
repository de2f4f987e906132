//! Whom a list of proxies believes.

use proptest::prelude::*;

use super::*;

fn proxies(text: &str) -> TrustedProxies {
    text.parse().unwrap()
}

fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
    let peer = peer.parse().unwrap();
    proxies(trusted).client(peer, forwarded.iter().copied()).to_string()
}

#[test]
fn without_proxies_nobody_speaks_for_another() {
    assert_eq!(client("", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    assert_eq!(client("10.0.0.0/8", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
}

#[test]
fn a_proxy_is_believed_and_what_its_client_made_up_is_not() {
    assert_eq!(client("10.0.0.7", "10.0.0.7", &["198.51.100.7"]), "198.51.100.7");
    assert_eq!(client("10.0.0.7", "10.0.0.7", &["203.0.113.9, 198.51.100.7"]), "198.51.100.7");
    assert_eq!(client("10.0.0.7", "10.0.0.7", &["203.0.113.9", "198.51.100.7"]), "198.51.100.7");
    // Two of ours in a row.
    let chain = ["203.0.113.9, 198.51.100.7, 10.0.0.9"];
    assert_eq!(client("10.0.0.0/24", "10.0.0.7", &chain), "198.51.100.7");
}

#[test]
fn what_can_not_be_read_ends_the_chain() {
    assert_eq!(client("10.0.0.0/24", "10.0.0.7", &[]), "10.0.0.7");
    assert_eq!(client("10.0.0.0/24", "10.0.0.7", &["unknown"]), "10.0.0.7");
    assert_eq!(client("10.0.0.0/24", "10.0.0.7", &["198.51.100.7, , 10.0.0.9"]), "10.0.0.9");
    let endless = vec!["10.0.0.1"; 1000];
    assert_eq!(client("10.0.0.0/24", "10.0.0.7", &endless), "10.0.0.1");
}

#[test]
fn ports_brackets_and_mapped_addresses_are_understood() {
    for written in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711"] {
        assert_eq!(client("::ffff:10.0.0.7", "::1", &[written]), "::1");
        assert_eq!(client("::1", "::1", &[written]), "2001:db8::1");
    }
    assert_eq!(client("10.0.0.7", "::ffff:10.0.0.7", &["192.0.2.1:4711"]), "192.0.2.1");
}

#[test]
fn a_network_is_what_begins_like_it() {
    let all = proxies("10.0.0.0/8, fd00::/8 192.0.2.7,0.0.0.0/32");
    assert_eq!(all.to_string(), "10.0.0.0/8, fd00::/8, 192.0.2.7/32, 0.0.0.0/32");
    for (address, trusted) in [
        ("10.255.255.255", true),
        ("11.0.0.0", false),
        ("fdff::1", true),
        ("fe00::1", false),
        ("192.0.2.7", true),
        ("192.0.2.6", false),
    ] {
        assert_eq!(all.trusts(address.parse().unwrap()), trusted, "{address}");
    }
    assert!(proxies("0.0.0.0/0").trusts("203.0.113.9".parse().unwrap()));
    assert!(!proxies("0.0.0.0/0").trusts("2001:db8::1".parse().unwrap()));
}

#[test]
fn what_is_no_network_is_named() {
    for wrong in ["10.0.0.0/33", "fd00::/129", "proxy.internal", "10.0.0.0/", "10.0.0/8"] {
        let message = wrong.parse::<TrustedProxies>().unwrap_err().to_string();
        assert!(message.contains(wrong) && message.contains("10.0.0.0/8"), "{message}");
    }
}

proptest! {
    #[test]
    fn whatever_a_stranger_says_they_stay_who_they_are(said in ".*") {
        let peer: IpAddr = "192.0.2.1".parse().unwrap();
        prop_assert_eq!(proxies("10.0.0.0/8").client(peer, [said.as_str()].into_iter()), peer);
    }

    #[test]
    fn any_text_is_a_list_or_a_sentence(text in ".*") {
        let _ = text.parse::<TrustedProxies>();
    }
}
