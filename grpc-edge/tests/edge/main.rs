//! Edges with a real broker. `api`, the agents and the clients are played by the tests, so
//! that they can say what real ones never would.

mod embedded;
mod endpoint;
mod ends;
mod floods;
mod refusals;
mod time;
mod world;

/// What tests return.
type Result<T = (), E = anyhow::Error> = anyhow::Result<T, E>;
