//! `kanca bench`: what this machine can do, measured in one command.
//!
//! The server under test is this program again, as a process of its own with fresh data; the load and the receivers run
//! in this process, on the same clock. All is on loopback, bounded in number and time, and removed at the end.

mod api;
mod backlog;
mod disk;
mod figures;
mod ledger;
mod load;
mod message;
mod play;
mod receiver;
mod report;
mod scenario;
mod server;
mod slow_sync;
mod stage;
mod usage;
mod wire;

use crate::machine;
use crate::serve::stop_signal;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use disk::Disk;
use report::Played;
use scenario::{Scenario, USUAL};
use std::path::PathBuf;
use tempfile::TempDir;

/// What can be chosen on the command line.
#[derive(Debug, Args)]
pub struct Flags {
    /// Only these scenarios, with commas [default: s1,s2,s3,s4,s5,many]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<Scenario>,
    /// How often each is played; medians are shown
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// A tenth of the size: to try it, not to compare
    #[arg(long)]
    quick: bool,
    /// Connections that post
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Makes each sync of the server take so much longer, such as 2 (needs a C compiler)
    #[arg(long, value_name = "MS", value_parser = delay, allow_negative_numbers = true)]
    sync_delay_ms: Option<Delay>,
    /// Where the temporary data is made, which chooses the disk [default: the current directory]
    // The id is that of the server's flag, so that its meaning is replaced here.
    #[arg(long = "data-dir", id = "data_dir", value_name = "DIR")]
    parent: Option<PathBuf>,
    /// One JSON document instead of the table
    #[arg(long)]
    json: bool,
    // The server's other flags, which the help is not to offer here.
    #[arg(long, id = "listen", hide = true)]
    _listen: Option<String>,
    #[arg(long, id = "config", hide = true)]
    _config: Option<PathBuf>,
}

/// Refuses flags that have no meaning for a command that starts a server of its own.
///
/// # Errors
/// A sentence that names the flag.
pub fn refuse_settings(given: &ArgMatches) -> Result<(), String> {
    for name in ["listen", "config"] {
        if given.value_source(name) == Some(ValueSource::CommandLine) {
            return Err(format!(
                "--{name} is for the server; kanca bench starts its own on a free port of 127.0.0.1, with settings of its own"
            ));
        }
    }
    Ok(())
}

/// Microseconds.
#[derive(Debug, Clone, Copy)]
struct Delay(u64);

fn delay(text: &str) -> Result<Delay, String> {
    let millis: Option<f64> = text.parse().ok().filter(|millis| (0.0..=1000.0).contains(millis));
    let time = millis.map(|millis| std::time::Duration::from_secs_f64(millis / 1e3));
    let micros = time.and_then(|time| u64::try_from(time.as_micros()).ok());
    micros.map(Delay).ok_or_else(|| "must be milliseconds from 0 to 1000".into())
}

/// What the runs have in common.
struct Setting {
    connections: usize,
    quick: bool,
    runs: u32,
    sync_delay_us: Option<u64>,
    /// Where temporary data is made.
    parent: PathBuf,
    /// The program that is measured: this one.
    program: PathBuf,
}

impl Setting {
    fn temporary_dir(&self) -> Result<TempDir, String> {
        tempfile::Builder::new().prefix("kanca-bench-").tempdir_in(&self.parent).map_err(|e| {
            format!("nothing can be written in {}: {e}; choose a directory with --data-dir", self.parent.display())
        })
    }
}

/// Plays the scenarios and shows their figures.
///
/// # Errors
/// A sentence: what could not be done, or what was lost.
pub async fn run(flags: Flags) -> Result<(), String> {
    let stop = stop_signal()?;
    // Whoever is dropped here ends the server and removes its data.
    tokio::select! {
        done = measure(flags) => done,
        () = stop => Err("stopped; the server has been ended and its data removed".into()),
    }
}

async fn measure(flags: Flags) -> Result<(), String> {
    usage::possible()?;
    machine::raise_open_files();
    let parent = flags.parent.unwrap_or_else(|| PathBuf::from("."));
    // As it is called from everywhere; if it is not there, that is said when it is written to.
    let parent = parent.canonicalize().unwrap_or(parent);
    let setting = Setting {
        connections: usize::from(flags.connections),
        quick: flags.quick,
        runs: flags.runs,
        sync_delay_us: flags.sync_delay_ms.map(|delay| delay.0),
        parent,
        program: std::env::current_exe().map_err(|e| format!("the path of this program is unknown: {e}"))?,
    };
    let disk = Disk::under(setting.temporary_dir()?.path())?;
    if !flags.json {
        machine::say(report::heading(&setting, &disk).trim_end());
    }
    let scenarios = if flags.only.is_empty() { USUAL.to_vec() } else { flags.only };
    let mut played = Vec::new();
    for scenario in scenarios {
        let mut runs = Vec::new();
        for run in 1..=setting.runs {
            eprintln!("{}, run {run} of {} …", scenario.name(), setting.runs);
            runs.push(play::play(scenario, &setting).await?);
        }
        played.push(Played { scenario, runs });
    }
    if flags.json {
        machine::say(&format!("{:#}", report::document(&played, &setting, &disk)));
    } else {
        machine::say(&report::table(&played, &setting));
    }
    let faults: Vec<String> = played.iter().flat_map(Played::faults).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}
