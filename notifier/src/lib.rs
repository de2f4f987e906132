//! From events to people.
