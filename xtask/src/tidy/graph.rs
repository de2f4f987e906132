//! Who may depend on whom.

mod crates;

use anyhow::{Context, Result};

use super::{Finding, Tree};
use crate::shell::{cargo, output};
use crates::Crates;

pub(super) const LAW: &str = "arrows between crates only point down";
pub(super) const BECAUSE: &str =
    "the architecture is what the dependency graph says, not what a page says";

/// What a crate must not reach, through whatever is in between, and why.
struct Ban {
    from: &'static [&'static str],
    to: &'static [&'static str],
    because: &'static str,
}

const PROCESSES: &[&str] =
    &["hoop-agent", "hoop-api", "hoop-audit-writer", "hoop-cli", "hoop-grpc-edge", "hoop-notifier"];

const LIBRARIES: &[&str] = &[
    "hoop-bus",
    "hoop-client",
    "hoop-domain",
    "hoop-native",
    "hoop-objects",
    "hoop-policy",
    "hoop-proto",
    "hoop-providers",
    "hoop-recording",
    "hoop-runtime",
    "hoop-store",
    "hoop-supervisor",
    "hoop-testkit",
    "hoop-wire",
];

const BANS: &[Ban] = &[
    Ban {
        from: &["hoop-domain", "hoop-policy", "hoop-wire"],
        to: &["tokio", "sqlx", "tonic", "async-nats", "reqwest"],
        because: "decisions and parsing are testable without a runtime",
    },
    Ban {
        from: &["hoop-recording"],
        to: &["sqlx", "async-nats", "reqwest"],
        because: "an auditor verifies with the same code, and without a gateway",
    },
    Ban {
        from: &["hoop-grpc-edge"],
        to: &["sqlx", "hoop-store"],
        because: "that the edge keeps no state is a fact, not a hope",
    },
    Ban {
        from: &["hoop-agent", "hoop-cli"],
        to: &["sqlx", "async-nats", "hoop-store", "hoop-bus"],
        because: "they run on other people's machines",
    },
    Ban {
        from: &["hoop-grpc-edge", "hoop-notifier", "hoop-agent", "hoop-cli"],
        to: &["aws-sdk-s3", "hoop-objects"],
        because: "only those who write and read recordings know where they are stored",
    },
    Ban {
        from: &["hoop-providers"],
        to: &[
            "hoop-bus",
            "hoop-client",
            "hoop-native",
            "hoop-objects",
            "hoop-policy",
            "hoop-proto",
            "hoop-recording",
            "hoop-store",
            "hoop-supervisor",
            "hoop-testkit",
            "hoop-wire",
        ],
        because: "looking something up at Vault or AWS takes nothing else of the product",
    },
    Ban {
        from: LIBRARIES,
        to: &["hoop-providers"],
        because: "libraries are given secrets and do not look for them",
    },
    Ban {
        from: &["hoop-audit-writer", "hoop-cli", "hoop-grpc-edge"],
        to: &["hoop-providers"],
        because: "only those who use secrets know where they are kept",
    },
    Ban { from: LIBRARIES, to: PROCESSES, because: "libraries know nothing of who uses them" },
    Ban { from: PROCESSES, to: PROCESSES, because: "processes talk over gRPC and NATS only" },
    Ban {
        from: PROCESSES,
        to: &["hoop-testkit", "hoop-tests"],
        because: "test tools stay out of what is delivered",
    },
    Ban {
        from: PROCESSES,
        to: &["ring", "native-tls", "openssl"],
        because: "there is one cryptographic provider, aws-lc-rs",
    },
];

/// Only `store` speaks SQL, so everybody else reaches the library through it.
const SQL: (&str, &str) = ("hoop-store", "sqlx");

pub(super) fn check(_tree: &Tree) -> Result<Vec<Finding>> {
    let mut tree = cargo()?;
    tree.args(["tree", "--workspace", "--edges", "normal", "--prefix", "depth", "--quiet"])
        .args(["--format", crates::FORMAT]);
    let crates = Crates::read(&output(&mut tree)?).context("read cargo's tree")?;
    let mut findings = violations(&crates, BANS);
    findings.extend(sql_speakers(&crates, PROCESSES));
    if crates.features("rustls").contains(&"ring".to_owned()) {
        findings
            .push(Finding::new("rustls", "has the feature ring; there is one provider, aws-lc-rs"));
    }
    Ok(findings)
}

fn sql_speakers(crates: &Crates, processes: &[&str]) -> Vec<Finding> {
    let (store, sql) = SQL;
    let mut findings = Vec::new();
    for from in processes {
        if let Some(way) = crates.way_around(from, sql, store) {
            let way = way.join(" → ");
            let what = format!("reaches {way} without {store}, and only that speaks SQL");
            findings.push(Finding::new(*from, what));
        }
    }
    findings
}

fn violations(crates: &Crates, bans: &[Ban]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Ban { from, to, because } in bans {
        for from in *from {
            if !crates.has(from) {
                findings.push(Finding::new(*from, "is named in a rule and does not exist"));
            }
            for to in to.iter().filter(|to| *to != from) {
                if let Some(way) = crates.way(from, to) {
                    findings.push(Finding::new(
                        *from,
                        format!("reaches {}, but {because}", way.join(" → ")),
                    ));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_speaks_sql_itself_is_found() {
        let through = Crates::of(&[("hoop-api", "hoop-store"), ("hoop-store", "sqlx")]);
        assert_eq!(sql_speakers(&through, &["hoop-api"]).len(), 0);
        let beside = Crates::of(&[
            ("hoop-api", "hoop-store"),
            ("hoop-store", "sqlx"),
            ("hoop-api", "other"),
            ("other", "sqlx"),
        ]);
        assert_eq!(sql_speakers(&beside, &["hoop-api"]).len(), 1);
    }

    #[test]
    fn a_way_through_others_is_found_and_shown() {
        let crates =
            Crates::of(&[("hoop-grpc-edge", "native"), ("native", "sqlx"), ("hoop-api", "sqlx")]);
        let ban = Ban { from: &["hoop-grpc-edge"], to: &["sqlx"], because: "it must not" };
        assert_eq!(
            violations(&crates, &[ban]),
            [Finding::new("hoop-grpc-edge", "reaches native → sqlx, but it must not")]
        );
    }
}
