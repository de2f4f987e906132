//! The API as a whole, with a real database and a real broker, each test with its own.

mod world;

mod agents;
mod authorize;
mod background;
mod clients;
mod connections;
mod credentials;
mod ended;
mod evidence;
mod login;
mod matrix;
mod notifications;
mod openapi;
mod people;
mod recordings;
mod secrets;
mod sessions;
mod tail;
