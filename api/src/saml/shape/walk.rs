//! From element to element through an answer, with what each of them may be where it stands.

use std::collections::BTreeSet;

use quick_xml::{XmlVersion, events::BytesStart, name::ResolveResult};
use saml_rs::constants::namespace;

use super::Strange;

/// The most elements: a few per group, and some dozens.
const MOST: usize = 4096;

/// How deep they may stand. What is usual is ten.
const DEEPEST: usize = 24;

/// The most attributes of one element, and namespaces in scope: looking for two of the same name
/// costs the square of them.
pub(super) const MOST_ATTRIBUTES: usize = 64;

/// RSA with SHA-2. Others are rare, and SHA-1 is broken.
const SIGNATURES: [&str; 3] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
];

const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];

/// Exclusive, and without comments: what is signed is what is read.
const CANONICAL: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// Leaves out the signature itself.
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Whose an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Protocol,
    Assertion,
    Signature,
    Other,
    Undeclared,
}

impl Space {
    pub(super) fn of(resolved: &ResolveResult<'_>) -> Self {
        match resolved {
            ResolveResult::Bound(found) => match found.into_inner() {
                namespace::PROTOCOL => Self::Protocol,
                namespace::ASSERTION => Self::Assertion,
                namespace::DSIG => Self::Signature,
                _ => Self::Other,
            },
            ResolveResult::Unbound => Self::Other,
            ResolveResult::Unknown(_) => Self::Undeclared,
        }
    }
}

/// An element that is open.
#[derive(Debug)]
struct Open {
    space: Space,
    name: String,
    /// Its `ID`, or nothing.
    id: String,
    /// Whether there was a signature, or in a signature a reference.
    had: bool,
}

impl Open {
    fn is(&self, space: Space, name: &str) -> bool {
        self.space == space && self.name == name
    }
}

/// Of an element's attributes, those that matter.
#[derive(Default)]
struct Attributes {
    id: String,
    algorithm: String,
    uri: String,
}

/// The way so far.
#[derive(Debug, Default)]
pub(super) struct Walk {
    open: Vec<Open>,
    ids: BTreeSet<String>,
    elements: usize,
    assertions: usize,
}

impl Walk {
    pub(super) fn enter(&mut self, space: Space, element: &BytesStart<'_>) -> Result<(), Strange> {
        self.elements += 1;
        if MOST < self.elements || DEEPEST <= self.open.len() {
            return Err(Strange::TooLarge);
        }
        if space == Space::Undeclared {
            return Err(Strange::Prefix);
        }
        let attributes = self.attributes(element)?;
        let name = element.local_name().into_inner().to_owned();
        self.may_stand_here(space, &name, &attributes)?;
        self.open.push(Open { space, name, id: attributes.id, had: false });
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    pub(super) fn end(&self) -> Result<(), Strange> {
        // An answer that says no has no assertion.
        if self.elements == 0 || !self.open.is_empty() { Err(Strange::Root) } else { Ok(()) }
    }

    fn may_stand_here(
        &mut self,
        space: Space,
        name: &str,
        attributes: &Attributes,
    ) -> Result<(), Strange> {
        let depth = self.open.len();
        if depth == 0 || name == "Response" {
            let root = depth == 0 && self.elements == 1;
            let fits = root && space == Space::Protocol && name == "Response";
            return if fits { Ok(()) } else { Err(Strange::Root) };
        }
        match name {
            "Assertion" => {
                self.assertions += 1;
                let fits = depth == 1 && space == Space::Assertion && self.assertions == 1;
                if fits { Ok(()) } else { Err(Strange::Assertion) }
            }
            "EncryptedAssertion" | "EncryptedID" | "EncryptedAttribute" | "EncryptedData" => {
                Err(Strange::Encrypted)
            }
            "Signature" => self.signature(space),
            // The rest of what matters is in signatures, and nobody else's of the same name is
            // worth a difference.
            "Reference" => self.reference(space, attributes),
            "Object" | "Manifest" | "RetrievalMethod" => Err(Strange::Signature),
            "SignatureMethod" => one_of(&SIGNATURES, attributes),
            "DigestMethod" => one_of(&DIGESTS, attributes),
            "CanonicalizationMethod" => one_of(&[CANONICAL], attributes),
            "Transform" => one_of(&[CANONICAL, ENVELOPED], attributes),
            _ => Ok(()),
        }
    }

    /// A signature is a child of the response or of the assertion, and the only one there.
    fn signature(&mut self, space: Space) -> Result<(), Strange> {
        let depth = self.open.len();
        let parent = self.open.last_mut().ok_or(Strange::Signature)?;
        let place = match depth {
            1 => true,
            2 => parent.is(Space::Assertion, "Assertion"),
            _ => false,
        };
        if !place || space != Space::Signature || parent.had {
            return Err(Strange::Signature);
        }
        parent.had = true;
        Ok(())
    }

    /// A signature refers to what it is a child of, once.
    fn reference(&mut self, space: Space, attributes: &Attributes) -> Result<(), Strange> {
        let mut up = self.open.iter_mut().rev();
        let (info, signature, signed) = (up.next(), up.next(), up.next());
        let (Some(info), Some(signature), Some(signed)) = (info, signature, signed) else {
            return Err(Strange::Reference);
        };
        let fits = space == Space::Signature
            && info.is(Space::Signature, "SignedInfo")
            && signature.is(Space::Signature, "Signature")
            && !signature.had
            && !signed.id.is_empty()
            && attributes.uri.strip_prefix('#') == Some(signed.id.as_str());
        signature.had = true;
        if fits { Ok(()) } else { Err(Strange::Reference) }
    }

    /// Whatever may be taken for an ID, of whichever kind, is different everywhere.
    fn attributes(&mut self, element: &BytesStart<'_>) -> Result<Attributes, Strange> {
        let mut found = Attributes::default();
        for (attribute, before) in element.attributes().zip(0..) {
            if MOST_ATTRIBUTES <= before {
                return Err(Strange::TooLarge);
            }
            let attribute = attribute.map_err(quick_xml::Error::from)?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned();
            let name = attribute.key.local_name().into_inner().to_owned();
            let is_id = ["id", "assertionid"].iter().any(|it| name.eq_ignore_ascii_case(it));
            if is_id && !self.ids.insert(value.clone()) {
                return Err(Strange::Id);
            }
            match attribute.key.into_inner() {
                "ID" => found.id = value,
                "Algorithm" => found.algorithm = value,
                "URI" => found.uri = value,
                _ => {}
            }
        }
        Ok(found)
    }
}

fn one_of(allowed: &[&str], attributes: &Attributes) -> Result<(), Strange> {
    let algorithm = attributes.algorithm.as_str();
    if allowed.contains(&algorithm) {
        return Ok(());
    }
    Err(Strange::Weak(algorithm.chars().filter(|c| !c.is_control()).take(128).collect()))
}
