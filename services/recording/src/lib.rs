//! What a recording is as bytes, and whether it is whole. No network and no database in here,
//! so the same code verifies in the gateway and on the auditor's own machine.
//!
//! * [`format`]: how a segment is stored.
//! * [`evidence`]: a recording as one file that needs nothing else to be verified.
//! * [`Verification`]: checks one recording against its manifest, packet by packet.
//! * [`ManifestChain`]: checks that no manifest of an organisation is missing or replaced.

mod chain;
pub mod evidence;
mod finding;
pub mod format;
mod verify;

pub use chain::{Head, ManifestChain};
pub use finding::Finding;
pub use verify::{Checked, Signed, Verification};
