//! Runs beside the targets, dials out, holds the credentials.
