//! What can be asked of a gateway on one machine.

use std::{net::IpAddr, path::PathBuf};

/// What was typed, before the environment is looked at.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where everything is kept.
    pub data: Option<PathBuf>,
    /// The address to listen on, for all ports.
    pub host: Option<IpAddr>,
    /// The ports to listen on.
    pub ports: Ports,
    /// This program, which is started once more as the [guard](crate::guard).
    pub program: PathBuf,
    /// The arguments that make it the guard; the roster's path is put behind them.
    pub guard: Vec<String>,
}

/// Ports that are not to be the usual ones; 0 for any that is free.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    /// Of the REST API.
    pub api: Option<u16>,
    /// Of agents and native clients.
    pub grpc: Option<u16>,
    /// Of `psql`.
    pub pg: Option<u16>,
}
