//! The store against a real PostgreSQL, each test in a database of its own.

#![cfg(test)]

mod scene;

mod agents;
mod connections;
mod credentials;
mod migrations;
mod outbox;
mod people;
mod session_life;
mod session_list;
mod sweeps;
mod tenants;
