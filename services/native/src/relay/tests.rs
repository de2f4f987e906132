//! Tests of the byte pump.
