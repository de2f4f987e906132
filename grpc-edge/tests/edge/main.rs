//! Edges with a real broker. `api`, the agents and the clients are played by the tests, so
//! that they can say what real ones never would.

#[cfg(test)]
mod embedded;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod pinned;
#[cfg(test)]
mod refusals;
mod resume;
#[cfg(test)]
mod time;
#[cfg(test)]
mod world;

/// What tests return.
type Result<T = (), E = anyhow::Error> = anyhow::Result<T, E>;
