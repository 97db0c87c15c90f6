//! The binary: command line, configuration, wiring, shutdown.

mod config;
mod machine;
mod serve;
mod setup_link;

use clap::{Parser, Subcommand};
use config::Flags;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Self-hosted webhooks for conversations.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Starts the server (the default).
    Serve,
    /// Prints a new link for the owner's e-mail and password; also resets a forgotten password.
    SetupLink,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match config::load(&arguments.flags) {
        Ok(config) => config,
        Err(message) => return refuse(&message),
    };
    machine::start_log(&config.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&format!("the runtime cannot start: {error}")),
    };
    let done = runtime.block_on(async {
        match arguments.command.unwrap_or(Command::Serve) {
            Command::Serve => serve::run(config).await,
            Command::SetupLink => setup_link::run(config).await,
        }
    });
    // Whatever still runs has been given its time.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => refuse(&message),
    }
}

fn refuse(message: &str) -> ExitCode {
    eprintln!("kanca: {message}");
    ExitCode::FAILURE
}
