//! The wire: gRPC and bus messages, and their conversion to the domain.
//!
//! The generated types stop here: past this crate's [`convert`] the rest of the
//! product speaks `hoop_domain`.

pub mod convert;
pub mod packet;

/// The types that the `.proto` files generate.
#[allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    unreachable_pub,
    reason = "generated; the .proto files document it"
)]
pub mod v1 {
    tonic::include_proto!("protobuf");
}

pub use v1::*;
