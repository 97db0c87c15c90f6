//! Logging in and out, and what another site's page cannot do with the cookie.

use super::panel::{Browser, EMAIL, PASSWORD};
use crate::support::{Bot, Server, echo, text};
use serde_json::{Value, json};

#[test]
fn the_cookie_is_for_this_sites_server_only() {
    let server = Server::start();
    Browser::set_up(&server);
    let cookie = Browser::new(&server).log_in(EMAIL, PASSWORD);
    let cookie = cookie.header("set-cookie").unwrap();
    for part in ["kanca_session=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");

    let secure = Server::builder().public_url("https://hooks.example.com").start();
    let mut browser = Browser::new(&secure);
    let link = super::panel::link_in_log(&secure);
    assert!(link.starts_with("https://hooks.example.com/#/setup?token="), "{link}");
    let answer = browser.use_link(&link, EMAIL, PASSWORD);
    assert!(answer.header("set-cookie").unwrap().contains("; Secure"));
    assert_eq!(answer.expect(201)["public_url"], "https://hooks.example.com");
}

#[test]
fn logging_out_ends_the_session_on_the_server() {
    let server = Server::start();
    let mut owner = Browser::set_up(&server);
    owner.send("GET", "/bots", &Value::Null).expect(200);
    // Somebody copied the cookie.
    let kept = owner.send("POST", "/session", &json!({"email": EMAIL, "password": PASSWORD}));
    let kept = kept.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let out = owner.send("DELETE", "/session", &Value::Null);
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(owner.state(), "login");
    let stolen = server.api_as(None).send("GET", "/api/v1/bots", &[("cookie", &kept)], None);
    stolen.expect_problem(401);
}

#[test]
fn a_wrong_password_tells_nothing_and_is_slowed_down() {
    let server = Server::start();
    Browser::set_up(&server);
    let mut eve = Browser::new(&server);
    let wrong = eve.log_in(EMAIL, "wrong password").expect_problem(401);
    let unknown = eve.log_in("nobody@example.com", "wrong password").expect_problem(401);
    assert_eq!(wrong, unknown);
    let refused = (0..40)
        .map(|_| eve.log_in(EMAIL, "wrong password"))
        .find(|answer| answer.status != 401)
        .expect("guessing is slowed down");
    refused.expect_problem(429);
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(Browser::new(&server).state(), "login");
}

#[test]
fn a_change_with_the_cookie_comes_from_the_panel_or_not_at_all() {
    let server = Server::start();
    let mut owner = Browser::set_up(&server);
    let origin = server.origin();
    let bot = json!({"name": "Made"});
    let panel = ("kanca-panel", "1");
    owner.send_with("POST", "/bots", &bot, &[]).expect_problem(403);
    owner.send_with("POST", "/bots", &bot, &[("kanca-panel", "0")]).expect_problem(403);
    for foreign in ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1"] {
        owner.send_with("POST", "/bots", &bot, &[panel, ("origin", foreign)]).expect_problem(403);
    }
    let log_in = json!({"email": EMAIL, "password": PASSWORD});
    let set_up = json!({"token": "x", "email": EMAIL, "password": PASSWORD});
    for (method, path, body) in [
        ("DELETE", "/session", &Value::Null),
        ("POST", "/session", &log_in),
        ("POST", "/setup", &set_up),
        ("POST", "/projects", &bot),
    ] {
        owner.send_with(method, path, body, &[("origin", "https://evil.example"), panel]).expect_problem(403);
        owner.send_with(method, path, body, &[]).expect_problem(403);
    }
    assert_eq!(owner.state(), "ready");
    let made = owner.send_with("POST", "/bots", &bot, &[panel, ("origin", &origin)]).expect(201);
    let path = format!("/bots/{}", text(&made["id"]));
    owner.send_with("DELETE", &path, &Value::Null, &[]).expect_problem(403);
    owner.send_with("PATCH", &path, &bot, &[]).expect_problem(403);
    owner.send_with("GET", &path, &Value::Null, &[("origin", "https://evil.example")]).expect(200);
    owner.send("DELETE", &path, &Value::Null).expect(204);
}

#[test]
fn the_panel_works_in_the_project_it_names() {
    let server = Server::start();
    let mut owner = Browser::set_up(&server);
    let other = owner.send("POST", "/projects", &json!({"name": "Second"})).expect(201);
    let id = text(&other["id"]);
    let api = server.api_as(other["key"].as_str());
    let bot = Bot::create(&api, &echo());
    let seen = |owner: &mut Browser, headers: &[(&str, &str)]| -> Vec<Value> {
        let list = owner.send_with("GET", "/scenarios", &Value::Null, headers).expect(200);
        list["items"].as_array().unwrap().iter().map(|s| s["id"].clone()).collect()
    };
    assert!(!seen(&mut owner, &[]).contains(&json!(bot.scenario)));
    assert_eq!(seen(&mut owner, &[("kanca-project", &id)]), [json!(bot.scenario)]);
    for unknown in ["prj_00000000000000000000000000000000", "x", ""] {
        owner.send_with("GET", "/scenarios", &Value::Null, &[("kanca-project", unknown)]).expect_problem(404);
    }
}
