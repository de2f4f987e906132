//! NATS: subjects, streams, requests.
