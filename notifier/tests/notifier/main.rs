//! The notifier between a real broker, a real database and receivers that check what they
//! are sent.

#![cfg(test)]

mod kills;
mod mail;
mod receiver;
mod scene;
mod segment;
mod web;
