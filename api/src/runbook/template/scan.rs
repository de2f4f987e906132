//! What is between `{{` and `}}`, word by word.

/// A word of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `.name`.
    Parameter(String),
    /// `|`.
    Pipe,
    /// The name of a function.
    Word(String),
    /// `"text"`, `` `text` `` or a number, as it is written.
    Argument(String),
    /// `}}`, or `-}}`, which takes white space after it away.
    End { trims_after: bool },
}

/// What is not read yet.
pub(super) struct Scanner<'a>(&'a str);

const UNCLOSED: &str = "'{{' is not closed with '}}'";
const LONGEST_NAME: usize = 64;

impl<'a> Scanner<'a> {
    /// At what comes after `{{`.
    pub(super) const fn new(action: &'a str) -> Self {
        Self(action)
    }

    pub(super) const fn rest(&self) -> &'a str {
        self.0
    }

    /// Whether it was `{{-`, which takes white space before it away.
    pub(super) fn trims_before(&mut self) -> bool {
        let Some(rest) = self.0.strip_prefix('-') else { return false };
        let trims = rest.starts_with(char::is_whitespace);
        if trims {
            self.0 = rest.trim_start();
        }
        trims
    }

    pub(super) fn is_comment(&self) -> bool {
        self.0.starts_with("/*")
    }

    /// Passes a comment; whether white space after it goes.
    pub(super) fn comment(&mut self) -> Result<bool, String> {
        let unclosed = "a comment is closed with '*/}}'";
        let (_, rest) = self.0.split_once("*/").ok_or(unclosed)?;
        self.0 = rest;
        match self.token()? {
            Token::End { trims_after } => Ok(trims_after),
            _ => Err(unclosed.into()),
        }
    }

    pub(super) fn token(&mut self) -> Result<Token, String> {
        self.0 = self.0.trim_start();
        for (mark, trims_after) in [("}}", false), ("-}}", true)] {
            if let Some(rest) = self.0.strip_prefix(mark) {
                self.0 = rest;
                return Ok(Token::End { trims_after });
            }
        }
        let mut characters = self.0.chars();
        let first = characters.next().ok_or(UNCLOSED)?;
        match first {
            '|' => {
                self.0 = characters.as_str();
                Ok(Token::Pipe)
            }
            '.' => {
                self.0 = characters.as_str();
                Ok(Token::Parameter(self.name()?))
            }
            '"' => {
                self.0 = characters.as_str();
                self.quoted()
            }
            '`' => {
                let closed = characters.as_str().split_once('`');
                let (text, rest) = closed.ok_or("a text is not closed with '`'")?;
                self.0 = rest;
                Ok(Token::Argument(text.to_owned()))
            }
            '0'..='9' => Ok(Token::Argument(self.taken(|c| c.is_ascii_digit()).to_owned())),
            'A'..='Z' | 'a'..='z' | '_' => Ok(Token::Word(self.name()?)),
            _ => Err(format!("{first:?} is not understood here")),
        }
    }

    /// What comes and fits.
    fn taken(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c: char| !fits(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn name(&mut self) -> Result<String, String> {
        let name = self.taken(|c| c.is_ascii_alphanumeric() || c == '_');
        let begins = name.starts_with(|c: char| !c.is_ascii_digit());
        if !begins || LONGEST_NAME < name.len() {
            return Err(format!("a name has 1 to {LONGEST_NAME} letters, digits or '_'"));
        }
        Ok(name.to_owned())
    }

    /// The rest of a text in double quotes.
    fn quoted(&mut self) -> Result<Token, String> {
        let (mut text, mut characters) = (String::new(), self.0.chars());
        loop {
            let next = match characters.next() {
                Some('"') => {
                    self.0 = characters.as_str();
                    return Ok(Token::Argument(text));
                }
                Some('\\') => match characters.next() {
                    Some(plain @ ('"' | '\\')) => plain,
                    Some('n') => '\n',
                    Some('t') => '\t',
                    _ => return Err(r#"in a text '\' comes before '"', '\', 'n' or 't'"#.into()),
                },
                None | Some('\n') => return Err("a text is not closed with '\"'".into()),
                Some(plain) => plain,
            };
            text.push(next);
        }
    }
}
