//! The gateway for people: what `cargo xtask demo`, `up` and `bench` run.
