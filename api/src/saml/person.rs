//! Who somebody is, from an assertion that was verified.

use hoop_domain::GroupName;
use hoop_store::sign_in::Identity;
use saml_rs::{Attribute, Attributes, NameIdFormat, SsoSession};

use super::Error;
use crate::auth::identity;

/// The longest name of a person at the provider.
const LONGEST: usize = 256;

/// What providers call the attribute with the e-mail address, the usual ones first.
const EMAIL: [&str; 6] = [
    "email",
    "mail",
    "emailAddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
];

/// The same of the name that is shown.
const NAME: [&str; 6] = [
    "name",
    "displayName",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "cn",
];

pub(super) fn of(session: &SsoSession, groups_attribute: &str) -> Result<Identity, Error> {
    let (name_id, attributes) = (session.name_id(), session.attributes());
    if name_id.format() == Some(&NameIdFormat::Transient) {
        return Err(Error::Silent("who somebody is for good (a NameID that is not transient)"));
    }
    let subject = name_id.value().trim();
    if subject.is_empty() || LONGEST < subject.len() || subject.contains(char::is_control) {
        return Err(Error::Silent("who somebody is (a NameID)"));
    }
    // A name that only looks like an address may be another's address.
    let as_name = (name_id.format() == Some(&NameIdFormat::EmailAddress)).then_some(subject);
    let email = first(attributes, &EMAIL)
        .or(as_name)
        .ok_or(Error::Silent("the e-mail address (attribute email, or as NameID)"))?;
    let email = identity::address(email)
        .ok_or(Error::Silent("a usable e-mail address (attribute email, or as NameID)"))?;
    let name = first(attributes, &NAME).map_or_else(|| email.clone(), identity::shown);
    // Providers leave the attribute out for somebody who is in no group any more.
    let groups = Some(groups(attributes, groups_attribute));
    // A NameID may be a name that people choose. It must not be what OpenID Connect, which the
    // gateway may have used before, calls somebody else.
    let subject = format!("saml:{subject}");
    Ok(Identity { subject, email, email_unverified: false, name, groups })
}

/// The first value of the first of these attributes that has one.
fn first<'a>(attributes: &'a Attributes, names: &[&str]) -> Option<&'a str> {
    let mut values = names.iter().filter_map(|name| attributes.get(name)).flat_map(|attribute| {
        attribute.values().iter().map(|value| value.as_str().trim()).filter(|it| !it.is_empty())
    });
    values.next()
}

/// The groups in this attribute. What can't be a group's name here names no group here.
fn groups(attributes: &Attributes, name: &str) -> Vec<GroupName> {
    let values = attributes.get(name).into_iter().flat_map(Attribute::values);
    values.filter_map(|value| value.as_str().trim().parse().ok()).collect()
}
