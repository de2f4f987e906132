//! Throw-away PostgreSQL and NATS for tests.
