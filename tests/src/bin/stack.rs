//! Shows a whole gateway to a person; `cargo xtask` runs it.
fn main() {}
