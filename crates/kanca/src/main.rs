//! The binary: command line, configuration, wiring, shutdown.

mod bench;
mod config;
mod machine;
mod serve;
mod setup_link;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use config::{Config, Flags};
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
    Serve {
        /// The process to end with, however that ends; for a server that another command has started.
        #[arg(long, hide = true, value_name = "PID")]
        owner: Option<u32>,
    },
    /// Runs users' programs for the server that started it; of no use by hand.
    #[command(name = kanca_programs::Runner::COMMAND, hide = true)]
    RunPrograms,
    /// Prints a new link for the owner's e-mail and password; also resets a forgotten password.
    SetupLink,
    /// Measures what this machine can do, with a server and data of its own.
    Bench(bench::Flags),
}

fn main() -> ExitCode {
    let given = Arguments::command().get_matches();
    let Arguments { flags, command } = Arguments::from_arg_matches(&given).unwrap_or_else(|error| error.exit());
    if matches!(command, Some(Command::RunPrograms)) {
        // Before any thread, file or setting: a child has nothing that a program could reach for.
        return kanca_programs::child::serve().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&format!("the runtime cannot start: {error}")),
    };
    let done = runtime.block_on(async {
        match command.unwrap_or(Command::Serve { owner: None }) {
            Command::Serve { owner } => {
                owner.map_or(Ok(()), machine::end_with)?;
                serve::run(configured(&flags)?).await
            }
            Command::RunPrograms => Err("programs are run without a runtime".to_owned()),
            Command::SetupLink => setup_link::run(configured(&flags)?).await,
            Command::Bench(bench) => {
                bench::refuse_settings(&given)?;
                bench::run(bench).await
            }
        }
    });
    // Whatever still runs has been given its time.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => refuse(&message),
    }
}

/// The settings, and the log begun as they say.
fn configured(flags: &Flags) -> Result<Config, String> {
    let config = config::load(flags)?;
    machine::start_log(&config.log);
    Ok(config)
}

fn refuse(message: &str) -> ExitCode {
    eprintln!("kanca: {message}");
    ExitCode::FAILURE
}
