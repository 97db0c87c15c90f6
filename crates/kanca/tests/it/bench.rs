//! `kanca bench` measures, loses nothing, and leaves nothing behind.

use crate::support::eventually;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long a server may take to come and to go.
const PATIENCE: Duration = Duration::from_secs(20);

fn bench(parent: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanca"));
    command.arg("bench").args(arguments).arg("--data-dir").arg(parent);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The scenarios' figures.
#[track_caller]
fn measured(arguments: &[&str]) -> Vec<(String, Value)> {
    let parent = TempDir::new().unwrap();
    let output = bench(parent.path(), arguments).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    assert_eq!(parent.path().read_dir().unwrap().count(), 0, "the data is removed");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["quick"], true);
    assert!(document["data"]["sync_ms"].as_f64().unwrap() >= 0.0);
    let scenarios = document["scenarios"].as_array().unwrap();
    scenarios.iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one["figures"].clone())).collect()
}

#[test]
fn every_scenario_has_figures_and_loses_nothing() {
    let scenarios = measured(&["--quick", "--json"]);
    let names: Vec<&str> = scenarios.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["s1", "s2", "s3", "s4", "s5", "many"]);
    for (name, figures) in &scenarios {
        let value =
            |figure: &str| figures[figure].as_f64().unwrap_or_else(|| panic!("{name} has no {figure}: {figures}"));
        for nought in ["lost", "strays", "signatures_wrong"] {
            assert!(value(nought) < 1.0, "{name}: {nought} {}", value(nought));
        }
        for some in [
            "accepted_per_s",
            "accept_p50_ms",
            "delivered_per_s",
            "arrival_p50_ms",
            "cpu_ms_per_delivery",
            "peak_rss_mib",
            "signatures_checked",
        ] {
            assert!(value(some) > 0.0, "{name}: {some} {}", value(some));
        }
        assert!(value("accept_p50_ms") <= value("accept_p99_ms"));
        assert!(
            value("arrival_p50_ms") <= value("arrival_p99_ms") && value("arrival_p99_ms") <= value("arrival_max_ms")
        );
        let (accepted, delivered) = match name.as_str() {
            "s1" => (2_000.0, 2_000.0),
            "s2" => (500.0, 5_000.0),
            "s3" | "s4" => (400.0, 400.0),
            "many" => (1_000.0, 990.0),
            // Posts that were cut off by the kill are nobody's promise, and may be delivered nevertheless. A connection
            // may be cut off twice: the dying process still listens for a moment.
            _ => {
                assert!(
                    value("ready_s") > 0.0 && value("accepted") >= 872.0 && value("failed_posts") <= 128.0,
                    "{figures}"
                );
                continue;
            }
        };
        assert!((value("accepted") - accepted).abs() < 0.5, "{name}: {figures}");
        assert!((value("delivered") - delivered).abs() < 0.5, "{name}: {figures}");
        assert!(value("duplicates") < 1.0, "{name}: {figures}");
    }
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn a_slow_disk_can_be_had() {
    let scenarios = measured(&["--quick", "--only", "s4", "--sync-delay-ms", "20", "--json"]);
    let figures = &scenarios[0].1;
    // An acknowledgement waits for its sync.
    assert!(figures["accept_p50_ms"].as_f64().unwrap() >= 20.0, "{figures}");
    assert!(figures["syncs"].as_f64().unwrap() >= 10.0, "{figures}");
}

#[test]
fn the_help_offers_what_the_command_takes() {
    let help = |command: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_kanca")).args([command, "--help"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (bench, all) = (help("bench"), ["--listen", "--data-dir", "--config"]);
    assert_eq!(all.map(|flag| bench.contains(flag)), [false, true, false], "{bench}");
    for command in ["serve", "setup-link"] {
        assert!(all.iter().all(|flag| help(command).contains(flag)), "{command}: {}", help(command));
    }
}

#[test]
fn what_cannot_be_is_said_in_a_sentence() {
    let parent = TempDir::new().unwrap();
    let refused = |arguments: &[&str], said: &[&str]| {
        let output = bench(parent.path(), arguments).env("PATH", "/nonexistent").output().unwrap();
        assert!(!output.status.success());
        for part in said {
            assert!(words(&output).contains(part), "{arguments:?}: {}", words(&output));
        }
    };
    refused(&["--only", "s4", "--sync-delay-ms", "2"], &["--sync-delay-ms", "C compiler", "apt-get"]);
    refused(&["--sync-delay-ms", "-1"], &["milliseconds from 0 to 1000"]);
    refused(&["--sync-delay-ms", "2000"], &["milliseconds from 0 to 1000"]);
    refused(&["--only", "s9"], &["s9", "backlog"]);
    refused(&["--runs", "0"], &["--runs"]);
    refused(&["--listen", "127.0.0.1:0"], &["--listen is for the server"]);
    refused(&["--config", "kanca.toml"], &["--config is for the server"]);
    let missing = parent.path().join("missing");
    let output = bench(&missing, &["--only", "s4"]).output().unwrap();
    assert!(!output.status.success() && words(&output).contains("--data-dir"), "{}", words(&output));
    assert_eq!(parent.path().read_dir().unwrap().count(), 0);
}

#[test]
fn one_that_is_stopped_ends_its_server_and_removes_the_data() {
    let parent = TempDir::new().unwrap();
    let (bench, server) = begun(parent.path());
    signal(&bench, Signal::INT);
    let output = bench.wait_with_output().unwrap();
    assert!(!output.status.success() && words(&output).contains("stopped"), "{}", words(&output));
    assert!(!Path::new(&format!("/proc/{server}")).exists(), "the server still runs");
    assert_eq!(parent.path().read_dir().unwrap().count(), 0, "the data is removed");
}

#[test]
fn one_that_is_killed_leaves_no_server() {
    let parent = TempDir::new().unwrap();
    let (bench, server) = begun(parent.path());
    signal(&bench, Signal::KILL);
    drop(bench.wait_with_output().unwrap());
    eventually("the server has ended", PATIENCE, || {
        // One that nobody waits for stays as a zombie.
        let stat = std::fs::read_to_string(format!("/proc/{server}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    });
}

/// One that has started its server, and the server's process id.
fn begun(parent: &Path) -> (Child, u32) {
    let bench = bench(parent, &["--only", "s4"]).spawn().unwrap();
    let server = eventually("the server has data", PATIENCE, || {
        let mut made = parent.read_dir().unwrap().flatten();
        made.any(|entry| entry.path().join("data/kanca.db").exists()).then(|| child_of(bench.id())).flatten()
    });
    (bench, server)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

/// The process that this one has started.
fn child_of(pid: u32) -> Option<u32> {
    let processes = Path::new("/proc").read_dir().unwrap().flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.find(|number| {
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(1)?.parse().ok());
        parent == Some(pid)
    })
}
