//! Database wire protocols, bytes to messages, without I/O.
