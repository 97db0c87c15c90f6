//! The owner's link: shown until it is used, used once, and made anew when the password is forgotten.

use super::panel::{Browser, EMAIL, PASSWORD, link_in_log};
use crate::support::{Server, eventually, text};
use serde_json::{Value, json};
use std::time::Duration;

#[track_caller]
fn setup_link(server: &Server) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kanca"));
    command.env_clear().arg("setup-link").arg("--data-dir").arg(server.data_dir());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let printed = String::from_utf8(done.stdout).unwrap();
    assert_eq!(printed.lines().count(), 1, "the link and nothing else: {printed}");
    let link = printed.trim().to_owned();
    assert!(link.starts_with(&format!("{}/#/setup?token=", server.origin())), "{link}");
    link
}

#[test]
fn the_link_works_once() {
    let server = Server::start();
    let link = link_in_log(&server);
    assert!(link.starts_with(&server.origin()), "{link}");
    let mut owner = Browser::new(&server);
    assert_eq!(owner.state(), "setup");
    let session = owner.use_link(&link, " Owner@Example.com ", PASSWORD).expect(201);
    assert_eq!((&session["state"], &session["user"]["email"]), (&json!("ready"), &json!(EMAIL)), "{session}");
    assert_eq!(owner.state(), "ready");

    let mut other = Browser::new(&server);
    assert_eq!(other.state(), "login");
    other.use_link(&link, "eve@example.com", PASSWORD).expect_problem(403);
    other.use_link("/#/setup?token=nonsense", "eve@example.com", PASSWORD).expect_problem(403);
    other.use_link("/#/setup?token=", "eve@example.com", PASSWORD).expect_problem(403);
    other.log_in(EMAIL, PASSWORD).expect(200);
}

#[test]
fn two_who_use_the_link_at_the_same_moment_are_not_both_let_in() {
    let server = Server::start();
    let link = link_in_log(&server);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let using: Vec<_> = (0..4)
            .map(|n| {
                let (server, link) = (&server, &link);
                let email = format!("owner{n}@example.com");
                scope.spawn(move || Browser::new(server).use_link(link, &email, PASSWORD).status)
            })
            .collect();
        using.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|s| **s == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|s| matches!(s, 201 | 403 | 409)), "{statuses:?}");
}

#[test]
fn a_weak_password_or_no_address_is_refused_and_the_link_stays() {
    let server = Server::start();
    let link = link_in_log(&server);
    let mut browser = Browser::new(&server);
    for (email, password, field) in [
        (EMAIL, "123456789", "password"),
        (EMAIL, "", "password"),
        ("owner", PASSWORD, "email"),
        ("@example.com", PASSWORD, "email"),
        ("a b@example.com", PASSWORD, "email"),
    ] {
        let problem = browser.use_link(&link, email, password).expect_problem(422);
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    browser.use_link(&link, EMAIL, "şifre şifre").expect(201);
}

#[test]
fn the_link_is_shown_at_each_start_until_it_is_used() {
    let mut server = Server::start();
    let first = link_in_log(&server);
    server.terminate();
    server.restart();
    let second = eventually("another link is shown", Duration::from_secs(5), || {
        Some(link_in_log(&server)).filter(|l| *l != first)
    });
    Browser::new(&server).use_link(&first, EMAIL, PASSWORD).expect_problem(403);
    Browser::new(&server).use_link(&second, EMAIL, PASSWORD).expect(201);
    let links = |server: &Server| server.log().matches("#/setup?token=").count();
    let before = links(&server);
    server.terminate();
    server.restart();
    assert_eq!(links(&server), before, "no link once there is an owner");
    assert_eq!(Browser::new(&server).state(), "login");
}

#[test]
fn a_forgotten_password_is_reset_while_the_server_runs() {
    let server = Server::start();
    let mut old = Browser::set_up(&server);
    let link = setup_link(&server);
    assert_eq!(old.state(), "ready", "the link alone changes nothing");
    let mut new = Browser::new(&server);
    new.use_link(&link, "new@example.com", "another password").expect(201);
    assert_eq!(old.state(), "login", "earlier sessions have ended");
    old.send("GET", "/bots", &Value::Null).expect_problem(401);
    Browser::new(&server).log_in(EMAIL, PASSWORD).expect_problem(401);
    Browser::new(&server).log_in("new@example.com", "another password").expect(200);
    Browser::new(&server).use_link(&link, EMAIL, PASSWORD).expect_problem(403);
}

#[test]
fn a_forgotten_password_is_reset_while_the_server_does_not_run() {
    let mut server = Server::start();
    let mut old = Browser::set_up(&server);
    server.terminate();
    let link = setup_link(&server);
    server.restart();
    assert_eq!(old.state(), "ready");
    let user = text(&Browser::new(&server).use_link(&link, EMAIL, "another password").expect(201)["user"]["id"]);
    assert!(user.starts_with("usr_"));
    assert_eq!(old.state(), "login");
}

#[test]
fn without_data_there_is_no_link() {
    let empty = tempfile::TempDir::new().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kanca"));
    command.env_clear().arg("setup-link").arg("--data-dir").arg(empty.path().join("nothing"));
    let done = command.output().unwrap();
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("--data-dir"));
    assert!(!empty.path().join("nothing").exists());
}
