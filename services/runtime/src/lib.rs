//! Configuration, logs, shutdown and back-off for every process.
