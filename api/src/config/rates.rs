//! How often somebody may ask.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use hoop_domain::rate::Allowance;
use hoop_runtime::{Env, config};

/// More than this a minute is no limit.
const MOST: u32 = 60_000;

/// So many requests a minute, which may come at once; `None` for any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerMinute(Option<NonZeroU32>);

/// What is no such number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {MOST} requests a minute, or off")]
pub struct NoRate;

/// How often somebody may ask. Each process counts for itself.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// A user or a program that is signed in, from wherever.
    pub identity: PerMinute,
    /// An address, with all who are behind it, signed in or not.
    pub address: PerMinute,
    /// Those at an address who are not signed in.
    pub stranger: PerMinute,
    /// Sign-ins that are begun at an address.
    pub sign_in: PerMinute,
}

impl Rates {
    pub(super) fn from_env(env: &Env) -> Result<Self, config::Error> {
        let rate = |name: &str, default: u32| {
            let given = env.explained::<PerMinute>(name)?;
            Ok(given.unwrap_or(PerMinute(NonZeroU32::new(default))))
        };
        Ok(Self {
            identity: rate("API_RATE_IDENTITY", 6000)?,
            address: rate("API_RATE_ADDRESS", 30_000)?,
            stranger: rate("API_RATE_STRANGER", 600)?,
            sign_in: rate("API_RATE_SIGN_IN", 120)?,
        })
    }
}

impl PerMinute {
    /// A minute's requests at once, and then one after the other; `None` for no limit.
    #[must_use]
    pub fn allowance(self) -> Option<Allowance> {
        let Self(number) = self;
        let number = number?;
        Some(Allowance { burst: number.get(), every: Duration::from_secs(60) / number.get() })
    }
}

impl FromStr for PerMinute {
    type Err = NoRate;
    fn from_str(text: &str) -> Result<Self, NoRate> {
        if text == "off" {
            return Ok(Self(None));
        }
        let number: NonZeroU32 = text.parse().map_err(|_| NoRate)?;
        if MOST < number.get() { Err(NoRate) } else { Ok(Self(Some(number))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_or_off() {
        assert_eq!("off".parse::<PerMinute>().unwrap().allowance().map(|it| it.burst), None);
        let rate: PerMinute = "6000".parse().unwrap();
        let allowance = rate.allowance().unwrap();
        assert_eq!((allowance.burst, allowance.every), (6000, Duration::from_millis(10)));
        for wrong in ["", "0", "-1", "60001", "10/s", "Off"] {
            assert_eq!(wrong.parse::<PerMinute>(), Err(NoRate), "{wrong}");
        }
    }
}
