//! PostgreSQL: every query we own.
