//! What may be done with a value: say something of it, check it, change it.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Parameter, Quoting};

/// The types that a form can ask for.
const KINDS: [&str; 11] = [
    "text", "number", "tel", "time", "date", "url", "email", "select", "textarea", "password",
    "file",
];

/// A function with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// For who fills it in.
    Say(Say),
    /// What an empty value becomes.
    Default(String),
    /// What has to be true of the value.
    Check(Check),
    /// What the value becomes.
    Change(Change),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Say {
    Description(String),
    Placeholder(String),
    Kind(String),
    Order(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Check {
    /// It is not empty, or this is said.
    Required(String),
    /// It is one of these.
    Options(Vec<String>),
    /// It has at least so many characters.
    Least(usize),
    /// It has at most so many.
    Most(usize),
    Number,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    SingleQuotes,
    DoubleQuotes,
    ToBase64,
    FromBase64,
}

impl Step {
    /// The function `name` with these arguments.
    pub(super) fn of(name: &str, arguments: Vec<String>) -> Result<Self, String> {
        let one = match arguments.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        let text = |given: Option<String>| given.ok_or_else(|| format!("'{name}' takes one text"));
        let step = match name {
            "description" => Self::Say(Say::Description(text(one)?)),
            "placeholder" => Self::Say(Say::Placeholder(text(one)?)),
            "order" => Self::Say(Say::Order(number(name, one)?)),
            "type" => match text(one)? {
                kind if kind == "number" => Self::Check(Check::Number),
                kind if KINDS.contains(&kind.as_str()) => Self::Say(Say::Kind(kind)),
                _ => return Err(format!("'type' is one of {}", KINDS.join(", "))),
            },
            "default" => Self::Default(text(one)?),
            "required" => Self::Check(Check::Required(text(one)?)),
            "minlength" => Self::Check(Check::Least(number(name, one)?)),
            "maxlength" => Self::Check(Check::Most(number(name, one)?)),
            "options" if arguments.is_empty() => return Err("'options' names at least one".into()),
            "options" => Self::Check(Check::Options(arguments)),
            "squote" | "dquote" | "encodeb64" | "decodeb64" if !arguments.is_empty() => {
                return Err(format!("'{name}' takes no arguments"));
            }
            "squote" => Self::Change(Change::SingleQuotes),
            "dquote" => Self::Change(Change::DoubleQuotes),
            "encodeb64" => Self::Change(Change::ToBase64),
            "decodeb64" => Self::Change(Change::FromBase64),
            "asenv" | "pattern" | "quotechar" => {
                return Err(format!("'{name}' is not done by this version"));
            }
            _ => return Err(format!("'{name}' is no function of runbooks")),
        };
        Ok(step)
    }

    /// Adds what this says of the parameter.
    pub(super) fn describe(&self, parameter: &mut Parameter) {
        let first = |known: &mut String, said: &str| {
            if known.is_empty() {
                said.clone_into(known);
            }
        };
        match self {
            Self::Say(Say::Description(text)) => first(&mut parameter.description, text),
            Self::Say(Say::Placeholder(text)) => first(&mut parameter.placeholder, text),
            Self::Say(Say::Kind(kind)) => first(&mut parameter.kind, kind),
            Self::Check(Check::Number) => first(&mut parameter.kind, "number"),
            Self::Say(Say::Order(order)) => parameter.order = parameter.order.or(Some(*order)),
            Self::Default(text) => first(&mut parameter.default, text),
            Self::Check(Check::Required(_)) => parameter.required = true,
            Self::Check(Check::Options(options)) if parameter.options.is_empty() => {
                parameter.options.clone_from(options);
            }
            Self::Check(_) | Self::Change(_) => {}
        }
    }
}

/// The number that is the one argument of a function.
fn number<T: std::str::FromStr>(name: &str, given: Option<String>) -> Result<T, String> {
    let number = given.and_then(|text| text.parse().ok());
    number.ok_or_else(|| format!("'{name}' takes one number"))
}

impl Check {
    /// What is wrong with the value. An empty one is a value like any other.
    pub(super) fn holds(&self, value: &str) -> Result<(), String> {
        let wrong = match self {
            Self::Required(said) if value.is_empty() => match said.as_str() {
                "" => "is required".into(),
                said => format!("is required: {said}"),
            },
            Self::Options(options) if !options.iter().any(|option| option == value) => {
                format!("is one of {}", options.join(", "))
            }
            Self::Least(least) if value.chars().count() < *least => {
                format!("has at least {least} characters")
            }
            Self::Most(most) if *most < value.chars().count() => {
                format!("has at most {most} characters")
            }
            Self::Number if !value.parse::<f64>().is_ok_and(f64::is_finite) => "is a number".into(),
            _ => return Ok(()),
        };
        Err(wrong)
    }
}

impl Change {
    pub(super) fn made(self, value: &str, quoting: Quoting) -> Result<String, String> {
        match self {
            Self::SingleQuotes => Ok(quoting.single(value)),
            Self::DoubleQuotes => Ok(quoting.double(value)),
            Self::ToBase64 => Ok(STANDARD.encode(value)),
            Self::FromBase64 => {
                let bytes = STANDARD.decode(value).ok();
                let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
                let plain = text.filter(|text| !text.contains('\0'));
                plain.ok_or_else(|| "is no text in base64".into())
            }
        }
    }
}
