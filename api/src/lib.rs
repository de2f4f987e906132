//! REST API, and every decision.
