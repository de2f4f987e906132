//! Shows a whole gateway to a person; `cargo xtask` builds and runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    hoop_tests::stack::main()
}
