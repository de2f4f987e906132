//! What an answer looks like before anything in it is believed. Signatures of XML cover a part
//! that is found by its ID, and forgeries move parts about until one is verified and another
//! is read. So there is one assertion, in one place, and nothing that two readers could see
//! differently: no comments, which cut names short; no types of documents, which have entities.

mod walk;

use quick_xml::{NsReader, events::Event};

use walk::{MOST_ATTRIBUTES, Space, Walk};

/// The longest answer, in bytes of XML. Those of providers have 4 to 20 KiB; many groups make
/// them longer.
pub(super) const LONGEST: usize = 192 * 1024;

/// What no honest provider sends, or not to us.
#[derive(Debug, thiserror::Error)]
pub(super) enum Strange {
    #[error("it is longer than 192 KiB, or deeper or more detailed than any answer is")]
    TooLarge,
    #[error("it has markup other than elements: a comment, a DOCTYPE, CDATA or an instruction")]
    Markup,
    #[error("it is not well-formed")]
    Malformed(#[source] quick_xml::Error),
    #[error("it has a namespace prefix that it does not declare")]
    Prefix,
    #[error("it is no Response of SAML 2.0, or more than one")]
    Root,
    #[error("it has an assertion in another place than the only one, or more than one")]
    Assertion,
    #[error("a part of it is encrypted")]
    Encrypted,
    #[error("it has a signature in another place than the usual one, or more than one there")]
    Signature,
    #[error("a signature is of something else than what it stands in")]
    Reference,
    #[error("two parts of it have the same ID")]
    Id,
    #[error("it is signed with an algorithm that is not allowed: {0}")]
    Weak(String),
}

impl From<quick_xml::Error> for Strange {
    fn from(error: quick_xml::Error) -> Self {
        Self::Malformed(error)
    }
}

/// Refuses what has not the shape of an answer.
pub(super) fn check(xml: &str) -> Result<(), Strange> {
    if LONGEST < xml.len() {
        return Err(Strange::TooLarge);
    }
    elements_only(xml)?;
    let mut reader = NsReader::from_str(xml);
    reader.resolver_mut().set_max_namespace_bindings(MOST_ATTRIBUTES);
    let mut walk = Walk::default();
    loop {
        let (space, event) = reader.read_resolved_event()?;
        let space = Space::of(&space);
        match event {
            Event::Start(element) => walk.enter(space, &element)?,
            Event::Empty(element) => {
                walk.enter(space, &element)?;
                walk.leave();
            }
            Event::End(_) => walk.leave(),
            Event::Decl(_) | Event::Text(_) | Event::GeneralRef(_) => {}
            Event::Eof => return walk.end(),
            Event::Comment(_) | Event::CData(_) | Event::DocType(_) | Event::PI(_) => {
                return Err(Strange::Markup);
            }
        }
    }
}

/// Looks at the text itself, because parsers are what is fooled: a `<` is nothing else than the
/// beginning of markup, wherever it stands.
fn elements_only(xml: &str) -> Result<(), Strange> {
    let rest = match xml.strip_prefix("<?xml") {
        Some(text) => {
            let (declaration, rest) = text.split_once("?>").ok_or(Strange::Markup)?;
            let declaration = declaration.to_ascii_lowercase();
            let other = declaration.contains("encoding") && !declaration.contains("utf-8");
            if other || !declaration.contains("1.0") {
                return Err(Strange::Markup);
            }
            rest
        }
        None => xml,
    };
    if rest.contains("<!") || rest.contains("<?") {
        return Err(Strange::Markup);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
