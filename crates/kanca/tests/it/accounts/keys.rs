//! API keys and projects.

use crate::support::{API_KEY, Server, is_in_data, text};
use serde_json::{Value, json};

#[test]
fn a_key_is_shown_once_and_stored_as_a_hash() {
    let mut server = Server::start();
    let made = server.api().post("/api-keys", &json!({"name": "CI"})).expect(201);
    let key = text(&made["key"]);
    assert!(key.starts_with("kanca_") && key.len() > 40);
    let hint = text(&made["hint"]);
    assert!(key.starts_with(hint.trim_end_matches('…')) && hint.len() < 20, "{hint}");
    let listed = server.api().get("/api-keys").expect(200);
    let listed = &listed["items"][0];
    assert_eq!((&listed["name"], listed.get("key")), (&json!("CI"), None), "{listed}");
    assert_eq!(listed["last_used_at"], Value::Null);
    server.api_as(Some(&key)).get("/bots").expect(200);
    assert!(server.api().get("/api-keys").expect(200)["items"][0]["last_used_at"].is_string());
    server.terminate();
    assert!(!is_in_data(&server, &key) && !is_in_data(&server, API_KEY));
    server.restart();
    server.api_as(Some(&key)).get("/bots").expect(200);
}

#[test]
fn a_revoked_key_is_refused_at_once() {
    let server = Server::start();
    let made = server.api().post("/api-keys", &json!({"name": "CI"})).expect(201);
    let api = server.api_as(made["key"].as_str());
    api.get("/bots").expect(200);
    let path = format!("/api-keys/{}", text(&made["id"]));
    api.delete(&path).expect(204);
    api.get("/bots").expect_problem(401);
    api.post("/events", &json!({"type": "a", "data": 1})).expect_problem(401);
    server.api().delete(&path).expect_problem(404);
}

#[test]
fn without_a_valid_key_nothing_is_done() {
    let server = Server::start();
    let almost = format!("{API_KEY}x");
    for key in [None, Some("x"), Some(&API_KEY[1..]), Some(almost.as_str())] {
        let api = server.api_as(key);
        for path in ["/bots", "/api-keys", "/projects", "/overview", "/conversations", "/events", "/endpoints"] {
            let answer = api.get(path);
            answer.expect_problem(401);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
        api.post("/bots", &json!({"name": "x"})).expect_problem(401);
    }
    for wrong in ["Basic abc", "Bearer", "Bearer ", API_KEY, ""] {
        server.api_as(None).send("GET", "/api/v1/bots", &[("authorization", wrong)], None).expect_problem(401);
    }
    let lower = format!("bearer {API_KEY}");
    server.api_as(None).send("GET", "/api/v1/bots", &[("authorization", &lower)], None).expect(200);
}

#[test]
fn a_projects_key_stays_in_its_project() {
    let server = Server::start();
    let project = server.api().post("/projects", &json!({"name": "Second"})).expect(201);
    let api = server.api_as(project["key"].as_str());
    api.post("/projects", &json!({"name": "Third"})).expect_problem(403);
    let visible = api.get("/projects").expect(200);
    assert_eq!(visible["items"].as_array().unwrap().len(), 1);
    assert_eq!((&visible["items"][0]["id"], visible["items"][0].get("key")), (&project["id"], None));
    assert_eq!(server.api().all("/projects").len(), 2);
    // Its keys are its own.
    let second = api.post("/api-keys", &json!({"name": "Second key"})).expect(201);
    server.api().delete(&format!("/api-keys/{}", text(&second["id"]))).expect_problem(404);
    server.api_as(second["key"].as_str()).get("/projects").expect(200);
    assert!(server.api().all("/api-keys").iter().all(|k| k["id"] != second["id"]));
    // The demo belongs to the default project.
    assert!(api.all("/bots").is_empty());
    assert_eq!(api.get("/overview").expect(200)["demo"], Value::Null);
    assert!(server.api().get("/overview").expect(200)["demo"]["bot_id"].is_string());
}

#[test]
fn a_short_automation_key_is_refused_at_the_start() {
    let server = Server::start();
    for key in ["short", "with a space 0123456789-0123456789-012", "ölçü-0123456789-0123456789-0123456789"] {
        let dir = tempfile::TempDir::new().unwrap();
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_kanca"))
            .env_clear()
            .env("KANCA_API_KEY", key)
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir.path())
            .output()
            .unwrap();
        assert!(!done.status.success());
        assert!(String::from_utf8_lossy(&done.stderr).contains("KANCA_API_KEY"), "{key}");
    }
    drop(server);
}
