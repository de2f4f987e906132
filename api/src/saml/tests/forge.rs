//! Answers of a provider, honest and otherwise, signed with keys that are made for a run.

use std::sync::LazyLock;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use saml_rs::{
    constants::signature_algorithm::RSA_SHA256,
    crypto::{construct_saml_signature, keys::load_private_key},
};

pub(super) const IDP: &str = "https://idp.example.com/saml";
pub(super) const SSO: &str = "https://idp.example.com/sso?tenant=1";
pub(super) const HERE: &str = "https://hoop.example.com";
pub(super) const CALLBACK: &str = "https://hoop.example.com/api/saml/callback";
pub(super) const NAME: &str = "https://hoop.example.com/api/saml/metadata";
pub(super) const REQUEST: &str = "_request";

/// The provider's key.
pub(super) static OURS: LazyLock<Signer> = LazyLock::new(Signer::new);

/// Somebody else's.
pub(super) static FOREIGN: LazyLock<Signer> = LazyLock::new(Signer::new);

/// Who signs.
pub(super) struct Signer {
    key: String,
    pub(super) certificate: String,
}

impl Signer {
    fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        Self { key: key.serialize_pem(), certificate: certificate.pem() }
    }

    /// Signs the assertion in a response.
    pub(super) fn assertion(&self, xml: &str) -> String {
        self.sign(xml, false, &self.certificate)
    }

    /// Signs the response itself.
    pub(super) fn response(&self, xml: &str) -> String {
        self.sign(xml, true, &self.certificate)
    }

    /// Signs the assertion in a response and says that `certificate` is the signer's.
    pub(super) fn in_the_name_of(&self, certificate: &str, xml: &str) -> String {
        self.sign(xml, false, certificate)
    }

    fn sign(&self, xml: &str, whole: bool, certificate: &str) -> String {
        let key = load_private_key(&self.key, None).unwrap();
        construct_saml_signature(xml, whole, &key, certificate, RSA_SHA256, &[], None).unwrap()
    }

    /// The certificate as it stands in metadata.
    pub(super) fn der(&self) -> String {
        self.certificate.lines().filter(|line| !line.starts_with("---")).collect()
    }
}

/// The metadata of a provider whose key is this one's.
pub(super) fn metadata(signer: &Signer) -> String {
    let certificate = signer.der();
    format!(
        r#"<?xml version="1.0"?><!-- as providers write it --><md:EntityDescriptor
        xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}">
        <md:IDPSSODescriptor WantAuthnRequestsSigned="true"
          protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
        <md:KeyDescriptor use="signing"><ds:KeyInfo
          xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
        <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>
        </md:KeyDescriptor><md:SingleSignOnService
          Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO}"/>
        </md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

/// What an answer says. Times are of the 23rd of November 2026.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) id: &'static str,
    pub(super) response_to: &'static str,
    pub(super) destination: String,
    pub(super) issuer: &'static str,
    pub(super) name_id: &'static str,
    pub(super) format: &'static str,
    pub(super) confirmed_to: &'static str,
    pub(super) recipient: String,
    pub(super) confirmed_until: &'static str,
    pub(super) not_before: &'static str,
    pub(super) not_on_or_after: &'static str,
    pub(super) audience: String,
    pub(super) statement: &'static str,
    pub(super) attributes: &'static str,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            id: "_honest",
            response_to: REQUEST,
            destination: CALLBACK.into(),
            issuer: IDP,
            name_id: "ann",
            format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            confirmed_to: REQUEST,
            recipient: CALLBACK.into(),
            confirmed_until: "12:05:00",
            not_before: "11:59:00",
            not_on_or_after: "12:05:00",
            audience: NAME.into(),
            statement: "<saml:AuthnStatement AuthnInstant=\"2026-11-23T12:00:00Z\" \
                SessionNotOnOrAfter=\"2026-11-23T14:00:00Z\"><saml:AuthnContext>\
                <saml:AuthnContextClassRef>urn:x</saml:AuthnContextClassRef></saml:AuthnContext>\
                </saml:AuthnStatement>",
            attributes: "<saml:Attribute Name=\"email\"><saml:AttributeValue>Ann@example.com\
                </saml:AttributeValue></saml:Attribute>\
                <saml:Attribute Name=\"groups\"><saml:AttributeValue>dba</saml:AttributeValue>\
                <saml:AttributeValue>no group of ours: &lt;</saml:AttributeValue>\
                <saml:AttributeValue>ops</saml:AttributeValue></saml:Attribute>",
        }
    }
}

impl Story {
    /// The assertion, without a signature.
    pub(super) fn assertion(&self) -> String {
        let Self { id, issuer, name_id, format, confirmed_to, recipient, .. } = self;
        let Self { confirmed_until, not_before, not_on_or_after, audience, .. } = self;
        let Self { statement, attributes, .. } = self;
        let day = "2026-11-23T";
        format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" \
             Version=\"2.0\" IssueInstant=\"{day}12:00:00Z\"><saml:Issuer>{issuer}</saml:Issuer>\
             <saml:Subject><saml:NameID Format=\"{format}\">{name_id}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
             <saml:SubjectConfirmationData InResponseTo=\"{confirmed_to}\" \
             NotOnOrAfter=\"{day}{confirmed_until}Z\" Recipient=\"{recipient}\"/>\
             </saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{day}{not_before}Z\" \
             NotOnOrAfter=\"{day}{not_on_or_after}Z\"><saml:AudienceRestriction>\
             <saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>\
             </saml:Conditions>{statement}\
             <saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"
        )
    }

    /// A response with this inside, without a signature.
    pub(super) fn response(&self, inside: &str) -> String {
        self.status("Success", inside)
    }

    /// A response with this status.
    pub(super) fn status(&self, status: &str, inside: &str) -> String {
        let Self { response_to, destination, .. } = self;
        format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_response\" \
             Version=\"2.0\" IssueInstant=\"2026-11-23T12:00:00Z\" InResponseTo=\"{response_to}\" \
             Destination=\"{destination}\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"/>\
             </samlp:Status>{inside}</samlp:Response>"
        )
    }

    /// All of it, with the assertion signed as the provider does.
    pub(super) fn signed(&self) -> String {
        OURS.assertion(&self.response(&self.assertion()))
    }
}
