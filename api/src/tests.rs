//! The API as a whole, with a real database and a real broker, each test with its own.

mod world;

mod agents;
mod api_keys;
mod audit_logs;
mod authorize;
mod background;
mod clients;
mod connections;
mod credentials;
mod ended;
mod ends;
mod etags;
mod evidence;
mod local_users;
mod login;
mod matrix;
mod notifications;
mod once;
mod openapi;
mod organisations;
mod pages;
mod people;
mod plugins;
mod rates;
mod recordings;
mod refused;
mod reviews;
mod runbooks;
mod saml;
mod search;
mod secrets;
mod sessions;
mod tail;
mod websocket;
