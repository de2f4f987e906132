//! Each thing that is not let through, alone.

use super::*;

const HEAD: &str = r#"<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"
    xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:d="http://www.w3.org/2000/09/xmldsig#"
    ID="r">"#;

fn response(inside: &str) -> String {
    format!("{HEAD}{inside}</p:Response>")
}

/// A signature of what has this ID.
fn signature(id: &str) -> String {
    format!(
        r##"<d:Signature><d:SignedInfo>
        <d:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
        <d:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
        <d:Reference URI="#{id}"><d:Transforms>
        <d:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
        </d:Transforms><d:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
        </d:Reference></d:SignedInfo></d:Signature>"##
    )
}

fn assertion(id: &str, inside: &str) -> String {
    format!(r#"<a:Assertion ID="{id}">{inside}</a:Assertion>"#)
}

fn usual() -> String {
    response(&format!("{}{}", signature("r"), assertion("a", &signature("a"))))
}

macro_rules! refused {
    ($xml:expr, $why:pat) => {
        let xml: String = $xml;
        let found = check(&xml);
        assert!(matches!(found, Err($why)), "{found:?} of {xml}");
    };
}

#[test]
fn what_providers_send_has_the_right_shape() {
    check(&usual()).unwrap();
    check(&response("<p:Status/>")).unwrap();
    let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", usual());
    check(&declared).unwrap();
}

#[test]
fn nothing_but_elements_is_in_an_answer() {
    let declared = |declaration: &str| format!("{declaration}{}", usual());
    refused!(declared("<!DOCTYPE r [<!ENTITY e \"x\">]>"), Strange::Markup);
    refused!(declared("<?xml version=\"1.0\" encoding=\"UTF-7\"?>"), Strange::Markup);
    refused!(declared("<?xml version=\"1.1\"?>"), Strange::Markup);
    refused!(declared("\n<?xml version=\"1.0\"?>"), Strange::Markup);
    refused!(declared("<?xml "), Strange::Markup);
    for markup in ["<!-- -->", "<![CDATA[x]]>", "<?php x?>", "<!ELEMENT x>"] {
        refused!(response(markup), Strange::Markup);
    }
    refused!(response("<x>"), Strange::Malformed(_));
    refused!(response("<x:y/>"), Strange::Prefix);
    refused!(String::new(), Strange::Root);
}

#[test]
fn there_is_one_response_and_one_assertion_and_each_has_its_place() {
    refused!("<Response/>".into(), Strange::Root);
    refused!("<p:Response xmlns:p=\"urn:x\"/>".into(), Strange::Root);
    refused!(format!("{}{}", usual(), response("").replace("\"r\"", "\"s\"")), Strange::Root);
    refused!(response(&response("").replace("\"r\"", "\"s\"")), Strange::Root);

    let (one, two) = (assertion("a", ""), assertion("b", ""));
    refused!(response(&format!("{one}{two}")), Strange::Assertion);
    refused!(response(&format!("<p:Extensions>{one}</p:Extensions>")), Strange::Assertion);
    refused!(response(&assertion("a", &two)), Strange::Assertion);
    refused!(response("<x:Assertion xmlns:x=\"urn:x\" ID=\"a\"/>"), Strange::Assertion);
    refused!(response("<a:EncryptedAssertion/>"), Strange::Encrypted);
    refused!(response(&assertion("a", "<a:EncryptedID/>")), Strange::Encrypted);
}

#[test]
fn a_signature_signs_what_it_is_in_and_nothing_else() {
    let inside = |text: &str| response(&assertion("a", text));
    refused!(inside(&signature("r")), Strange::Reference);
    refused!(inside(&signature("")), Strange::Reference);
    refused!(response(&signature("a")), Strange::Reference);
    refused!(inside(&format!("{0}{0}", signature("a"))), Strange::Signature);
    refused!(inside(&format!("<a:Subject>{}</a:Subject>", signature("a"))), Strange::Signature);
    refused!(inside(&signature("a").replace("d:Signature>", "a:Signature>")), Strange::Signature);
    let object = signature("a").replace("</d:Signature>", "<d:Object/></d:Signature>");
    refused!(inside(&object), Strange::Signature);
    let twice = signature("a");
    let reference = twice.split("<d:Reference").nth(1).unwrap();
    let reference = reference.split("</d:SignedInfo>").next().unwrap();
    let twice =
        twice.replace("</d:SignedInfo>", &format!("<d:Reference{reference}</d:SignedInfo>"));
    refused!(inside(&twice), Strange::Reference);
    refused!(inside("<d:Reference URI=\"#a\"/>"), Strange::Reference);
}

#[test]
fn an_id_is_there_once_however_it_is_written() {
    for other in ["ID", "Id", "id", "xml:id", "AssertionID"] {
        refused!(response(&format!("<a:x {other}=\"r\"/>")), Strange::Id);
    }
}

#[test]
fn old_algorithms_are_not_let_through() {
    let with = |from: &str, to: &str| {
        let xml = usual();
        assert!(xml.contains(from), "{from}");
        xml.replace(from, to)
    };
    let (xmldsig, more) =
        ("http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/04/xmldsig-more#");
    let sha1 = with(&format!("{more}rsa-sha256"), &format!("{xmldsig}rsa-sha1"));
    refused!(sha1, Strange::Weak(_));
    let hmac = with(&format!("{more}rsa-sha256"), &format!("{more}hmac-sha256"));
    refused!(hmac, Strange::Weak(_));
    let digest = with("http://www.w3.org/2001/04/xmlenc#sha256", &format!("{xmldsig}sha1"));
    refused!(digest, Strange::Weak(_));
    let comments = with("xml-exc-c14n#\"", "xml-exc-c14n#WithComments\"");
    refused!(comments, Strange::Weak(_));
    let selected = with(
        &format!("{xmldsig}enveloped-signature"),
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
    );
    refused!(selected, Strange::Weak(_));
}

#[test]
fn an_answer_has_bounds() {
    refused!(response(&" ".repeat(LONGEST)), Strange::TooLarge);
    refused!(response(&format!("{}{}", "<x>".repeat(100), "</x>".repeat(100))), Strange::TooLarge);
    refused!(response(&"<x/>".repeat(5000)), Strange::TooLarge);
    let attributes: String = (0..100).map(|number| format!(" a{number}=\"\"")).collect();
    refused!(response(&format!("<x{attributes}/>")), Strange::TooLarge);
    let spaces: String = (0..100).map(|number| format!(" xmlns:a{number}=\"urn:x\"")).collect();
    refused!(response(&format!("<x{spaces}/>")), Strange::Malformed(_));
}
