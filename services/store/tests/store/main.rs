//! The store against a real PostgreSQL, each test in a database of its own.

#![cfg(test)]

mod scene;

mod agents;
mod connections;
mod credentials;
mod logins;
mod migrations;
mod outbox;
mod people;
mod programs;
mod reviews;
mod session_life;
mod session_list;
mod sweeps;
mod tenants;
