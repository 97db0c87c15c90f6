//! The OpenAPI document says what the server does: every call in it exists, and nothing unknown is ignored.

use crate::support::{Server, document, echo};
use serde_json::{Value, json};

/// Every `(method, path)` of the document, with an id that names nothing where one is due.
fn calls(server: &Server) -> Vec<(String, String, Value)> {
    let document = server.api_as(None).get("/openapi.json").expect(200);
    let mut calls = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            calls.push((method.to_uppercase(), path.clone(), call.clone()));
        }
    }
    calls
}

#[test]
fn the_document_that_is_served_is_the_one_in_the_repository() {
    let served = Server::start().api_as(None).get("/openapi.json").expect_text(200);
    assert!(served == document::SNAPSHOT, "docs/openapi.json is stale");
}

#[test]
fn every_call_of_the_document_is_served() {
    let server = Server::start();
    let all = calls(&server);
    assert!(all.len() > 50, "{}", all.len());
    for (method, path, _) in all {
        let path = filled(&path);
        let body = (method != "GET" && method != "DELETE").then_some(&b"{}"[..]);
        let answer = server.api_as(None).send(&method, &path, &[("content-type", "application/json")], body);
        assert_ne!(answer.status, 405, "{method} {path}");
        let problem = answer.status >= 400;
        let no_such_call = problem && answer.json()["detail"].as_str().unwrap().contains("no such call");
        assert!(!no_such_call, "{method} {path}");
    }
}

#[test]
fn every_call_that_is_served_is_in_the_document() {
    let server = Server::start();
    let documented = calls(&server);
    let known = |method: &str, path: &str| documented.iter().any(|(m, p, _)| m == method && p == path);
    let mut paths: Vec<&String> = documented.iter().map(|(_, p, _)| p).collect();
    paths.dedup();
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = server.api_as(None).send(method, &filled(path), &[], (method != "GET").then_some(b""));
            assert_eq!(answer.status == 405, !known(method, path), "{method} {path}: {}", answer.status);
        }
    }
}

#[test]
fn every_call_asks_who_is_there_unless_it_is_open() {
    let server = Server::start();
    let open = [
        "/api/v1/session",
        "/api/v1/setup",
        "/api/v1/scenario.schema.json",
        "/chat/v1/bots/{bot}",
        "/.well-known/webhook-keys/{id}",
        "/webhook-handshakes/{id}",
        "/chat/v1/conversations",
    ];
    for (method, path, _) in calls(&server) {
        if open.contains(&path.as_str()) || path == "/chat/v1/socket" {
            continue;
        }
        let headers = [("content-type", "application/json")];
        let body = (method != "GET" && method != "DELETE").then_some(&b"{}"[..]);
        server.api_as(None).send(&method, &existing(&server, &path), &headers, body).expect_problem(401);
    }
}

#[test]
fn unknown_query_parameters_are_refused_everywhere() {
    let server = Server::start();
    for (method, path, _) in calls(&server) {
        if path.starts_with("/chat/v1/socket") {
            continue;
        }
        let target = format!("{}?nonsense=1", existing(&server, &path));
        let body = (method != "GET" && method != "DELETE").then_some(&b"{}"[..]);
        let answer = server.api().send(&method, &target, &[("content-type", "application/json")], body);
        let expected: &[u16] = if path.starts_with("/chat/") { &[400, 401] } else { &[400] };
        assert!(expected.contains(&answer.status), "{method} {target}: {} {}", answer.status, answer.text());
    }
}

#[test]
fn unknown_fields_and_other_content_types_are_refused() {
    let server = Server::start();
    for (method, path, call) in calls(&server) {
        if call.get("requestBody").is_none()
            || path.starts_with("/chat/")
            || path.contains("/session")
            || path.contains("/setup")
        {
            continue;
        }
        let target = existing(&server, &path);
        let body = json!({"nonsense": 1}).to_string();
        let answer =
            server.api().send(&method, &target, &[("content-type", "application/json")], Some(body.as_bytes()));
        answer.expect_problem(422);
        let answer = server.api().send(&method, &target, &[("content-type", "text/plain")], Some(body.as_bytes()));
        answer.expect_problem(415);
        server.api().send_text(&method, &target, "{").expect_problem(400);
    }
}

/// The path with ids that name nothing.
fn filled(path: &str) -> String {
    let mut filled = path.to_owned();
    while let (Some(from), Some(to)) = (filled.find('{'), filled.find('}')) {
        filled.replace_range(from..=to, "x");
    }
    filled
}

/// The path with the ids of things that are there, as far as that is easy.
fn existing(server: &Server, path: &str) -> String {
    let api = server.api();
    let first = |list: &str| api.all(list).first().map(|item| item["id"].as_str().unwrap().to_owned());
    if path.starts_with("/.well-known/webhook-keys/") || path.starts_with("/webhook-handshakes/") {
        let signed = json!({"signature": "v1a"});
        return path
            .replace("{id}", &crate::support::text(&api.create_endpoint_with("http://127.0.0.1:9/", signed)["id"]));
    }
    let Some(kind) = path.strip_prefix("/api/v1/").and_then(|rest| rest.split('/').next()) else {
        return path.replace("{id}", "cnv_00000000000000000000000000000000").replace("{bot}", &first("/bots").unwrap());
    };
    let id = if path.contains("{id}") { first(&format!("/{kind}")) } else { None };
    let id = id.unwrap_or_else(|| match kind {
        "api-keys" => crate::support::text(&api.post("/api-keys", &json!({"name": "x"})).expect(201)["id"]),
        "conversations" => {
            let bot = crate::support::Bot::create(&api, &echo());
            crate::support::Chat::start(server, &bot).id
        }
        "events" => api.publish("a.b", json!(1)),
        "deliveries" => {
            api.create_endpoint("http://127.0.0.1:9/");
            api.publish("a.b", json!(1));
            first("/deliveries").unwrap()
        }
        _ => String::new(),
    });
    path.replace("{id}", &id).replace("{request}", "req_00000000000000000000000000000000")
}
