//! A child by itself, for this crate's tests; the binary `kanca` has the same as a hidden command.

use std::process::ExitCode;

fn main() -> ExitCode {
    if kanca_programs::child::serve().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
