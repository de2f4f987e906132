//! What the command line says.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};

use super::Expect;

/// How much of what.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What all plans follow from.
    pub seed: u64,
    /// The number of the first run.
    pub first: u64,
    /// How many runs; `None` when the time says.
    pub runs: Option<u64>,
    /// For how long new runs begin; `None` when the number says.
    pub time: Option<Duration>,
    /// Cases whose name contains one of these; all when empty.
    pub only: Vec<String>,
    /// Where to write everything as JSON.
    pub json: Option<PathBuf>,
    /// What has to survive.
    pub expect: Expect,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            first: 0,
            runs: None,
            time: None,
            only: Vec::new(),
            json: None,
            expect: Expect::default(),
        }
    }
}

const USAGE: &str = "\
usage: crash [--minutes N] [--runs N] [--seed S] [--from RUN] [--only WORDS]… [--json FILE] [--resumes yes|no]

  --minutes N    new runs begin for so long (10 when --runs is not given either)
  --runs N       so many runs
  --seed S       the same seed makes the same runs; 1 when it is not given
  --from RUN     the number of the first run; 0 when it is not given
  --only WORDS   cases with these words in their name, such as \"kill edge\" or \"before_commit\"
  --json FILE    everything that the table says, and more
  --resumes no   only sessions that nothing happens to have to survive; else those, too, that
                 can be resumed";

impl Settings {
    /// Reads the arguments of `crash`.
    ///
    /// # Errors
    /// When they make no sense, with what would.
    pub fn parse(arguments: &[&str]) -> Result<Self> {
        let mut settings = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match *word {
                "--seed" => settings.seed = value()?.parse().context("--seed")?,
                "--from" => settings.first = value()?.parse().context("--from")?,
                "--runs" => settings.runs = Some(value()?.parse().context("--runs")?),
                "--minutes" => {
                    let minutes: u64 = value()?.parse().context("--minutes")?;
                    settings.time = Some(Duration::from_secs(60 * minutes));
                }
                "--only" => settings.only.push((*value()?).to_owned()),
                "--json" => settings.json = Some(value()?.into()),
                "--resumes" => settings.expect = Expect::parse(value()?)?,
                _ => bail!("{USAGE}"),
            }
        }
        if settings.runs.is_none() && settings.time.is_none() {
            settings.time = Some(Duration::from_secs(600));
        }
        Ok(settings)
    }

    /// Whether the run `number` is to begin.
    pub(super) fn wants(&self, number: u64, elapsed: Duration) -> bool {
        let enough = self.runs.is_some_and(|runs| self.first + runs <= number);
        !enough && self.time.is_none_or(|time| elapsed < time)
    }

    /// Whether a case of this name may happen.
    pub(super) fn includes(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|words| name.contains(words.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_does_not_know_is_an_error_and_there_is_always_an_end() {
        for words in [&["--tea"][..], &["--seed"], &["--runs", "x"], &["--resumes", "maybe"]] {
            assert!(Settings::parse(words).is_err(), "{words:?}");
        }
        let settings = Settings::parse(&["--runs", "3", "--from", "5"]).unwrap();
        let numbers = (5..99).take_while(|number| settings.wants(*number, Duration::ZERO));
        assert_eq!(numbers.count(), 3);
        assert!(!Settings::parse(&[]).unwrap().wants(0, Duration::from_secs(601)));
    }
}
