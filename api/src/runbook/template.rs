//! The language of runbooks: text, and in it places that are filled in, such as
//! `{{ .customer | required "which customer?" | squote }}`.
//!
//! A subset of Go's templates: nothing but a parameter and functions after it. A value that is
//! filled in is not read again, so nothing in it means anything to this language.

mod function;
mod quote;
mod scan;

use std::collections::BTreeMap;

use hoop_domain::review::MOST_INPUT;

use function::{Check, Step};
pub(crate) use quote::Quoting;
use scan::{Scanner, Token};

/// More places are in no runbook that anybody reads.
const MOST_PLACES: usize = 1_000;

/// A runbook that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

/// Where a value is filled in, and what is done with it before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    name: String,
    steps: Vec<Step>,
}

/// What there is to say of a parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) description: String,
    pub(crate) required: bool,
    pub(crate) kind: String,
    pub(crate) default: String,
    pub(crate) placeholder: String,
    pub(crate) options: Vec<String>,
    pub(crate) order: Option<u32>,
}

/// What is wrong with a runbook, or with what it is filled in with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("line {line}: {why}")]
    Syntax { line: usize, why: String },
    #[error("the parameter {name} {why}")]
    Value { name: String, why: String },
    #[error("a runbook that is filled in has at most 256 KiB")]
    TooLong,
}

impl Template {
    /// Reads a runbook.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let (mut parts, mut places) = (Vec::new(), 0);
        let (mut rest, mut trim) = (text, false);
        while let Some((before, action)) = rest.split_once("{{") {
            let mut scanner = Scanner::new(action);
            let wrong = |why| Error::Syntax { line: line(text, action), why };
            let trims_before = scanner.trims_before();
            let before = if trim { before.trim_start() } else { before };
            let before = if trims_before { before.trim_end() } else { before };
            push(&mut parts, before);
            if scanner.is_comment() {
                trim = scanner.comment().map_err(wrong)?;
            } else {
                places += 1;
                if MOST_PLACES < places {
                    return Err(wrong(format!("there are more than {MOST_PLACES} places")));
                }
                let (place, trims_after) = place(&mut scanner).map_err(wrong)?;
                parts.push(Part::Place(place));
                trim = trims_after;
            }
            rest = scanner.rest();
        }
        push(&mut parts, if trim { rest.trim_start() } else { rest });
        Ok(Self(parts))
    }

    /// The parameters, by name. Of what is said of one twice, the first counts.
    pub(crate) fn parameters(&self) -> BTreeMap<&str, Parameter> {
        let mut found: BTreeMap<&str, Parameter> = BTreeMap::new();
        for place in self.places() {
            let parameter = found.entry(&place.name).or_default();
            place.steps.iter().for_each(|step| step.describe(parameter));
        }
        for parameter in found.values_mut().filter(|parameter| parameter.kind.is_empty()) {
            let kind = if parameter.options.is_empty() { "text" } else { "select" };
            parameter.kind = kind.into();
        }
        found
    }

    /// The text with these values; a parameter without one has an empty value.
    pub(crate) fn fill_in(
        &self,
        values: &BTreeMap<String, String>,
        quoting: Quoting,
    ) -> Result<String, Error> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Place(place) => {
                    let given = values.get(&place.name).map(String::as_str).unwrap_or_default();
                    filled.push_str(&place.value(given, quoting)?);
                }
            }
            if MOST_INPUT < filled.len() {
                return Err(Error::TooLong);
            }
        }
        Ok(filled)
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|part| match part {
            Part::Place(place) => Some(place),
            Part::Text(_) => None,
        })
    }
}

impl Place {
    fn value(&self, given: &str, quoting: Quoting) -> Result<String, Error> {
        let wrong = |why: String| Error::Value { name: self.name.clone(), why };
        if given.contains('\0') {
            return Err(wrong("has no NUL".into()));
        }
        if MOST_INPUT < given.len() {
            return Err(Error::TooLong);
        }
        let mut value = given.to_owned();
        for step in &self.steps {
            match step {
                Step::Say(_) => {}
                Step::Default(instead) if value.is_empty() => value.clone_from(instead),
                Step::Default(_) => {}
                Step::Check(check) => check.holds(&value).map_err(wrong)?,
                Step::Change(change) => value = change.made(&value, quoting).map_err(wrong)?,
            }
            // Each quoting may double it.
            if MOST_INPUT < value.len() {
                return Err(Error::TooLong);
            }
        }
        Ok(if self.is_number() { quoting.number(value) } else { value })
    }

    /// Whether what is filled in is a number, as it was checked.
    fn is_number(&self) -> bool {
        let changes = |step: &Step| matches!(step, Step::Change(_));
        self.steps.contains(&Step::Check(Check::Number)) && !self.steps.iter().any(changes)
    }
}

fn push(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

/// Reads what is between the braces; also whether white space after it goes.
fn place(scanner: &mut Scanner<'_>) -> Result<(Place, bool), String> {
    let Token::Parameter(name) = scanner.token()? else {
        return Err("only {{ .name | function … }} is understood".into());
    };
    let mut steps: Vec<Step> = Vec::new();
    let mut next = scanner.token()?;
    loop {
        match next {
            Token::End { trims_after } => return Ok((Place { name, steps }, trims_after)),
            Token::Pipe => {}
            _ => return Err(format!("after .{name} or a function comes '|' or '}}}}'")),
        }
        let Token::Word(function) = scanner.token()? else {
            return Err("after '|' comes the name of a function".into());
        };
        let mut arguments = Vec::new();
        next = loop {
            match scanner.token()? {
                Token::Argument(argument) => arguments.push(argument),
                other => break other,
            }
        };
        let step = Step::of(&function, arguments)?;
        let late = matches!(step, Step::Check(_) | Step::Default(_));
        if late && steps.iter().any(|step| matches!(step, Step::Change(_))) {
            return Err(format!("'{function}' comes before what changes the value"));
        }
        let at = if matches!(step, Step::Default(_)) { default_at(&steps) } else { steps.len() };
        steps.insert(at, step);
    }
}

/// Where a default goes: before what it is checked with, but after what asks for a value.
fn default_at(steps: &[Step]) -> usize {
    let earlier = |step: &Step| matches!(step, Step::Default(_) | Step::Check(Check::Required(_)));
    steps.iter().rposition(earlier).map_or(0, |at| at + 1)
}

/// The number of the line on which `rest`, the end of `text`, begins.
fn line(text: &str, rest: &str) -> usize {
    let before = text.len().saturating_sub(rest.len());
    1 + text.bytes().take(before).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests;
