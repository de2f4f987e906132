//! What happens in one run: all of it follows from the seed and the run's number.

use std::{fmt, time::Duration};

use anyhow::{Result, ensure};

use super::{
    Settings,
    fault::{Blow, Case, Fault, Victim},
    load::{Kind, Place},
    random::Random,
};

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) number: u64,
    pub(super) blows: Vec<Blow>,
    pub(super) places: Vec<Place>,
}

/// In this many percent of all runs something else happens, too.
const SECOND: u64 = 20;

impl Plan {
    /// The run `number`. All cases that are wanted come once before any comes again.
    pub(super) fn make(settings: &Settings, number: u64) -> Result<Self> {
        let mut cases = Case::all();
        cases.retain(|case| settings.includes(&case.to_string()));
        ensure!(!cases.is_empty(), "no case is called like {:?}", settings.only);
        let round = u64::try_from(cases.len())?;
        Random::new(settings.seed, u64::MAX - number / round).shuffle(&mut cases);
        let mut random = Random::new(settings.seed, number);
        let case = cases.into_iter().nth(usize::try_from(number % round)?);
        let mut blows: Vec<Blow> = case.map(|case| blow(case, &mut random)).into_iter().collect();
        if settings.only.is_empty() && random.chance(SECOND) {
            blows.extend(second(blows.first(), &mut random));
        }
        Ok(Self { number, blows, places: places(&mut random) })
    }

    pub(super) fn cases(&self) -> String {
        let names: Vec<String> = self.blows.iter().map(|blow| blow.case.to_string()).collect();
        names.join(" + ")
    }
}

fn blow(case: Case, random: &mut Random) -> Blow {
    let count = match case.victim {
        Victim::Edge(_) => random.within(1, 40),
        _ => random.within(1, 4),
    };
    Blow {
        case,
        after: Duration::from_millis(random.within(0, 1500)),
        count,
        lasts: Duration::from_millis(random.within(0, 4000)),
        loses_disk: case.fault == Fault::Kill && random.chance(50),
    }
}

/// Something at any moment to somebody else.
fn second(first: Option<&Blow>, random: &mut Random) -> Option<Blow> {
    let mut others: Vec<Case> = Case::all();
    others.retain(|case| {
        case.step.is_none() && first.is_some_and(|first| first.case.victim != case.victim)
    });
    random.shuffle(&mut others);
    others.into_iter().next().map(|case| blow(case, random))
}

/// Each kind of traffic somewhere; two of them where nothing reaches both.
fn places(random: &mut Random) -> Vec<Place> {
    let mut places = vec![
        Place { kind: Kind::Queries, edge: 0, agent: 0 },
        Place { kind: Kind::Queries, edge: 1, agent: 1 },
    ];
    let others = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Queries);
    places.extend(others.map(|kind| Place { kind, edge: random.side(), agent: random.side() }));
    places
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Blow { case, after, count, lasts, loses_disk } in &self.blows {
            match case.step {
                Some(_) => write!(f, "{case}, the {count}. time, ")?,
                None => write!(f, "{case} after {} ms, ", after.as_millis())?,
            }
            let disk = if *loses_disk { ", its disk lost" } else { "" };
            write!(f, "for {} ms{disk}; ", lasts.as_millis())?;
        }
        let places: Vec<String> = self.places.iter().map(ToString::to_string).collect();
        f.write_str(&places.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(words: &[&str]) -> Settings {
        Settings::parse(words).unwrap()
    }

    #[test]
    fn the_same_seed_makes_the_same_plans_and_every_case_comes() {
        let seven = settings(&["--seed", "7"]);
        let plan = |number| Plan::make(&seven, number).unwrap().to_string();
        assert_eq!(plan(3), plan(3));
        assert_ne!(plan(3), plan(4));
        let cases = Case::all().len() as u64;
        let first = |number| Plan::make(&seven, number).unwrap().blows[0].case.to_string();
        let mut all: Vec<String> = (0..cases).map(first).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len() as u64, cases);
    }

    #[test]
    fn only_what_is_wanted_happens() {
        let wanted = settings(&["--only", "kill edge"]);
        for number in 0..20 {
            let plan = Plan::make(&wanted, number).unwrap();
            assert!(plan.blows.len() == 1 && plan.cases().starts_with("kill edge"), "{plan}");
        }
        assert!(Plan::make(&settings(&["--only", "tea"]), 0).is_err());
    }
}
