//! Opens a session against an edge over gRPC.
