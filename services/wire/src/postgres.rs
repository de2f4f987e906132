//! The PostgreSQL frontend/backend protocol, versions 3.0 and 3.2.
//!
//! In reading order: how bytes become messages ([`frame`]), what a client says first
//! ([`startup`]), how it proves who it is ([`auth`], [`scram`]), what a server says
//! ([`backend`], [`error`]), a whole login as a client ([`login`]), and a recorded session
//! as a person wants to read it ([`transcript`]).

mod body;
pub mod frame;

pub mod startup;

pub mod auth;
pub mod scram;

pub mod backend;
pub mod error;

pub mod login;

pub mod transcript;
