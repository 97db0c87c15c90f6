//! Starts that cannot be say why, in a sentence.

use crate::support::{PATIENCE, Server, eventually};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Its exit code and what it said; one that starts nevertheless is ended and fails the story.
#[track_caller]
fn outcome(mut command: Command) -> (i32, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(15) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    (status.code().expect("it ends by itself"), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let server = Server::start();
    let mut second = Command::new(server.command().get_program());
    second.args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(server.data_dir());
    let (code, message) = outcome(second);
    assert_ne!(code, 0);
    assert!(message.contains("another Kanca") && message.contains("--data-dir"), "{message}");
    assert!(message.contains(&server.data_dir().display().to_string()), "{message}");
    assert!(!message.contains("panicked") && !message.contains("Error {"), "{message}");
    server.api().get("/events").expect(200);
}

#[test]
fn a_port_in_use_names_the_flag() {
    let server = Server::start();
    let other = tempfile::TempDir::new().unwrap();
    let mut command = Command::new(server.command().get_program());
    command.args(["--listen", &server.address().to_string(), "--data-dir"]).arg(other.path());
    let (code, message) = outcome(command);
    assert_ne!(code, 0);
    assert!(message.contains("--listen") && message.contains(&server.address().to_string()), "{message}");
}

#[test]
fn wrong_settings_are_named() {
    let dir = tempfile::TempDir::new().unwrap();
    let program = Server::start().command().get_program().to_owned();
    for (name, value) in [
        ("KANCA_LISTEN", "everywhere"),
        ("KANCA_API_KEY", "short"),
        ("KANCA_ALLOW_PRIVATE_NETWORKS", "10.0.0.0/99"),
        ("KANCA_TRUSTED_PROXIES", "proxy"),
        ("KANCA_PUBLIC_URL", "hooks.example.com/path"),
        ("KANCA_INBOX_KEEP_REQUESTS", "many"),
    ] {
        let mut command = Command::new(&program);
        command.env_clear().env(name, value).arg("--data-dir").arg(dir.path());
        if name != "KANCA_LISTEN" {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let (code, message) = outcome(command);
        let setting = name.trim_start_matches("KANCA_").to_lowercase();
        assert!(code != 0 && message.to_lowercase().contains(&setting), "{name}: {message}");
    }
}

#[test]
fn an_unknown_variable_is_named_and_ignored() {
    let server = Server::builder().env("KANCA_COLOUR", "red").start();
    assert!(server.log().contains("KANCA_COLOUR is no setting"));
}

#[test]
fn a_start_without_settings_is_ready_and_says_where() {
    let server = Server::start();
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        assert_eq!(server.api_as(None).send("GET", path, &[], None).expect_text(200), body);
    }
    assert!(server.log().contains("/#/setup?token="), "the first start shows the owner's link");
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_it_goes() {
    let dir = tempfile::TempDir::new().unwrap();
    let program = Server::start().command().get_program().to_owned();
    let mut server = Command::new("sh")
        .args(["-c", "ulimit -Sn 200 && exec \"$0\" \"$@\""])
        .arg(program)
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limits = std::path::PathBuf::from(format!("/proc/{}/limits", server.id()));
    eventually("the soft limit is the hard one", PATIENCE, || {
        let all = std::fs::read_to_string(&limits).unwrap();
        let numbers = all.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace();
        let numbers: Vec<_> = numbers.collect();
        // The shell has lowered it when the program's own files are there.
        let is_up = dir.path().join("kanca.db").exists();
        (is_up && numbers[0] == numbers[1] && numbers[0] != "200").then_some(())
    });
    server.kill().unwrap();
    server.wait().unwrap();
}
