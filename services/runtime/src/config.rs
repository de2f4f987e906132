//! The environment, read once at start-up.
//!
//! A name that looks like one of ours and is not in [`VARIABLES`] stops the process: a
//! misspelt setting must not be silently ignored. So does a value that can't be read.

use std::{collections::BTreeMap, fmt::Display, net::SocketAddr, str::FromStr, time::Duration};

#[cfg(test)]
mod tests;
mod unused;
mod variables;

pub use variables::{VARIABLES, Variable};

/// A setting that stops the start-up, in words that name the variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Required and not there.
    #[error("{name} is not set: {meaning}")]
    Missing {
        /// The variable.
        name: String,
        /// What it is for.
        meaning: &'static str,
    },
    /// There, and not what it has to be.
    #[error("{name} is malformed: {why}")]
    Malformed {
        /// The variable.
        name: String,
        /// What was expected.
        why: String,
    },
    /// Begins like ours and is none of ours.
    #[error("{name} is not a setting of hoop{hint}")]
    Foreign {
        /// The variable.
        name: String,
        /// The name that was perhaps meant.
        hint: String,
    },
    /// Of the old product, with what replaces it.
    #[error("{name} is no longer supported: {instead}")]
    Retired {
        /// The variable.
        name: &'static str,
        /// What to do.
        instead: &'static str,
    },
}

/// How the names begin that nobody but us gives a meaning to.
const OURS: &[&str] = &[
    "AGENT_SENTRY_",
    "AUDIT_",
    "EDGE_",
    "HOOP_",
    "IDP_",
    "MAGIC_BELL_",
    "NATIVE_",
    "NOTIFY_",
    "PLUGIN_",
    "RUNBOOKS_",
];

/// How names of ours begin that other programs use too, such as
/// `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`: only what is nearly one of ours is refused.
const SHARED: &[&str] = &[
    "API_",
    "GRPC_",
    "METRICS_",
    "NATS_",
    "PYROSCOPE_",
    "REVIEW_",
    "S3_",
    "SEGMENT_",
    "SENTRY_",
    "SMTP_",
    "STATIC_",
];

/// A snapshot of the environment.
#[derive(Debug, Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The environment of this process.
    ///
    /// # Errors
    /// When a name looks like ours and is not.
    pub fn from_process() -> Result<Self, Error> {
        // A value that is not UTF-8 can't be one of ours; other programs may have it.
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::from_pairs(pairs)
    }

    /// An environment made of `pairs`, for tests and embedded processes.
    ///
    /// # Errors
    /// See [`Self::from_process`].
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, Error> {
        let env =
            Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        env.0.keys().try_for_each(|name| refuse_foreign(name))?;
        Ok(env)
    }

    /// The value, if it is set and not empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        debug_assert!(variables::find(name).is_some(), "{name} is missing in VARIABLES");
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// The value.
    ///
    /// # Errors
    /// When it is not set.
    pub fn required(&self, name: &str) -> Result<String, Error> {
        self.text(name).ok_or_else(|| Error::Missing {
            name: name.into(),
            meaning: variables::find(name).map_or("", |variable| variable.meaning),
        })
    }

    /// A secret: the value, or what is in the file that the variable with `_FILE` behind its
    /// name leads to.
    ///
    /// # Errors
    /// When both are set, or the file can't be read.
    pub fn secret(&self, name: &str) -> Result<Option<String>, Error> {
        let by_file = format!("{name}_FILE");
        let Some(path) = self.text(&by_file) else { return Ok(self.text(name)) };
        let malformed = |why: String| Error::Malformed { name: by_file.clone(), why };
        if self.text(name).is_some() {
            return Err(malformed(format!("{name} is set, too; set one of them")));
        }
        let text = std::fs::read_to_string(&path);
        text.map(Some).map_err(|error| malformed(format!("{path} can't be read: {error}")))
    }

    /// The same environment with another value of a [secret](Self::secret).
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: &str) -> Self {
        self.0.remove(&format!("{name}_FILE"));
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A variable that is not ours: another program's, or one that an operator names.
    #[must_use]
    pub fn foreign(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// The value as a `T`, or `default`.
    ///
    /// # Errors
    /// When it is no `T`.
    pub fn parsed<T: FromStr>(&self, name: &str, default: T) -> Result<T, Error> {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.parse().map_err(|_| Error::Malformed {
            name: name.into(),
            why: format!("{text:?} is not a valid {}", kind_of::<T>()),
        })
    }

    /// The value as a `T` that says itself what is wrong with a text; `None` when it is not set.
    ///
    /// # Errors
    /// When it is no `T`.
    pub fn explained<T>(&self, name: &str) -> Result<Option<T>, Error>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        let malformed = |why: T::Err| Error::Malformed { name: name.into(), why: why.to_string() };
        text.parse().map(Some).map_err(malformed)
    }

    /// The value as an address to listen on, or `default`.
    ///
    /// # Errors
    /// When it is no address.
    pub fn address(&self, name: &str, default: &str) -> Result<SocketAddr, Error> {
        let text = self.text(name).unwrap_or_else(|| default.into());
        text.parse().map_err(|_| Error::Malformed {
            name: name.into(),
            why: format!("{text:?} is not an address such as 0.0.0.0:8009"),
        })
    }

    /// The value as a duration such as `250ms`, `30s`, `5m` or `2h`, or `default`.
    ///
    /// # Errors
    /// When it is no duration.
    pub fn duration(&self, name: &str, default: Duration) -> Result<Duration, Error> {
        let Some(text) = self.text(name) else { return Ok(default) };
        parse_duration(&text).ok_or_else(|| Error::Malformed {
            name: name.into(),
            why: format!("{text:?} is not a duration such as 250ms, 30s, 5m or 2h"),
        })
    }

    /// Whether it is set to `word`, which is all that it may be set to.
    ///
    /// # Errors
    /// When it is set to anything else.
    pub fn only(&self, name: &str, word: &str) -> Result<bool, Error> {
        match self.text(name) {
            None => Ok(false),
            Some(text) if text == word => Ok(true),
            Some(text) => Err(Error::Malformed {
                name: name.into(),
                why: format!("{text:?} is not {word}; leave it out, or set {name}={word}"),
            }),
        }
    }

    /// Whether this is `PROFILE=dev`.
    ///
    /// # Errors
    /// When it is another profile, of which there is none.
    pub fn dev_profile(&self) -> Result<bool, Error> {
        self.only("PROFILE", "dev")
    }

    /// The variables that are set and do nothing in this version.
    pub fn unused(&self) -> impl Iterator<Item = &'static str> {
        let names = unused::UNUSED.iter().map(|(name, _)| *name);
        names.filter(move |name| self.0.get(*name).is_some_and(|value| !value.is_empty()))
    }

    /// The PostgreSQL URI: `POSTGRES_DB_URI`, or made of `PG_HOST` and the like.
    ///
    /// # Errors
    /// When neither is there, or a part is malformed.
    pub fn postgres_uri(&self) -> Result<String, Error> {
        if let Some(uri) = self.text("POSTGRES_DB_URI") {
            return Ok(uri);
        }
        if self.text("PG_HOST").is_none() {
            return self.required("POSTGRES_DB_URI");
        }
        let (host, user, database) =
            (self.required("PG_HOST")?, self.required("PG_USER")?, self.required("PG_DB")?);
        let port: u16 = self.parsed("PG_PORT", 5432)?;
        let password = self.text("PGPASSWORD").unwrap_or_default();
        Ok(format!(
            "postgres://{}:{}@{host}:{port}/{}",
            percent_encode(&user),
            percent_encode(&password),
            percent_encode(&database)
        ))
    }
}

fn refuse_foreign(name: &str) -> Result<(), Error> {
    if name == "XTDB_ADDRESS" {
        return Err(Error::Retired {
            name: "XTDB_ADDRESS",
            instead: "the state is kept in PostgreSQL; set POSTGRES_DB_URI instead",
        });
    }
    if variables::find(name).is_some() || unused::has(name) || service_link(name) {
        return Ok(());
    }
    let begins = |prefix: &&str| name.starts_with(*prefix);
    let (ours, shared) = (OURS.iter().any(begins), SHARED.iter().any(begins));
    // Other products begin all of their names with their own.
    let bare = name.strip_prefix("HOOP_").unwrap_or(name);
    let nearest = VARIABLES
        .iter()
        .map(|variable| {
            (distance(name, variable.name).min(distance(bare, variable.name)), variable.name)
        })
        .min()
        .filter(|(distance, _)| *distance < 3);
    if !(ours || shared && nearest.is_some()) {
        return Ok(());
    }
    let hint = nearest.map_or_else(String::new, |(_, close)| format!("; did you mean {close}?"));
    Err(Error::Foreign { name: name.into(), hint })
}

/// What Kubernetes puts into every container for a service that is called like one of our
/// prefixes, such as `NATS_SERVICE_HOST` or `HOOP_PORT_8009_TCP_ADDR`.
fn service_link(name: &str) -> bool {
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_")
        || name.ends_with("_PORT")
}

/// The edit distance, for "did you mean".
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = i;
        let mut previous = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(right.bytes()) {
            let substituted = diagonal + usize::from(a != b);
            diagonal = *cell;
            previous = substituted.min(previous + 1).min(diagonal + 1);
            *cell = previous;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `u16` as a person calls it.
fn kind_of<T>() -> &'static str {
    match std::any::type_name::<T>() {
        "u16" => "number from 0 to 65535",
        "u32" | "u64" | "usize" => "number",
        "bool" => "true or false",
        _ => "value",
    }
}
