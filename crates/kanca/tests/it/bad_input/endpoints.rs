//! What is wrong with an endpoint is said with its place, at creation and at every change, and nothing is written.

use crate::support::{Api, Server, text};
use serde_json::{Value, json};

/// What is given beyond name and URL, and the fields that are named as wrong.
fn cases() -> Vec<(Value, Vec<&'static str>)> {
    let week = 7 * 24 * 60 * 60;
    vec![
        (json!({"retry_schedule": []}), vec!["retry_schedule"]),
        (json!({"retry_schedule": vec![0; 51]}), vec!["retry_schedule"]),
        (json!({"retry_schedule": [0, 5, 300, week + 1]}), vec!["retry_schedule[3]"]),
        (json!({"retry_schedule": [0, -5]}), vec!["retry_schedule[1]"]),
        (json!({"retry_schedule": [0, 1.5]}), vec!["retry_schedule[1]"]),
        (json!({"retry_schedule": [0, "5s"]}), vec!["retry_schedule[1]"]),
        (json!({"retry_schedule": "0,5"}), vec!["retry_schedule"]),
        (json!({"timeout_seconds": 0}), vec!["timeout_seconds"]),
        (json!({"timeout_seconds": 61}), vec!["timeout_seconds"]),
        (json!({"timeout_seconds": "15"}), vec!["timeout_seconds"]),
        (json!({"rate_limit": {"requests": 0, "per_seconds": 1}}), vec!["rate_limit.requests"]),
        (json!({"rate_limit": {"requests": 1, "per_seconds": 0}}), vec!["rate_limit.per_seconds"]),
        (
            json!({"rate_limit": {"requests": 0, "per_seconds": 0}}),
            vec!["rate_limit.requests", "rate_limit.per_seconds"],
        ),
        (json!({"rate_limit": {"requests": -1, "per_seconds": 1}}), vec!["rate_limit.requests"]),
        (json!({"rate_limit": {"requests": 1}}), vec!["rate_limit.per_seconds"]),
        (json!({"rate_limit": {"requests": 1, "per_seconds": 1, "burst": 1}}), vec!["rate_limit.burst"]),
        (json!({"rate_limit": [10, 1]}), vec!["rate_limit"]),
        (json!({"rate_limit": 10}), vec!["rate_limit"]),
        (json!({"max_concurrency": 0}), vec!["max_concurrency"]),
        (json!({"max_concurrency": 257}), vec!["max_concurrency"]),
        (json!({"disable_after_seconds": -1}), vec!["disable_after_seconds"]),
        (json!({"disable_after_seconds": 31_536_001}), vec!["disable_after_seconds"]),
        (json!({"filter": "a".repeat(64 * 1024 + 1)}), vec!["filter"]),
        (json!({"filter": "a\u{0}"}), vec!["filter"]),
        (json!({"filter": 1}), vec!["filter"]),
        (json!({"filter": "event.total > 100"}), vec!["filter"]),
        (json!({"filter": "event.data.total + 1"}), vec!["filter"]),
        (json!({"filter": "event.timestamp > timestamp('notatime')"}), vec!["filter"]),
        (json!({"filter": "event.type"}), vec!["filter"]),
        (json!({"transformation": "async function transform(event) { return event }"}), vec!["transformation"]),
        (json!({"event_types": ["a..b", "order.*", "*x"]}), vec!["event_types[0]", "event_types[2]"]),
        (json!({"event_types": "*"}), vec!["event_types"]),
        (json!({"headers": {"x-a": "1", "Host": "b"}}), vec!["headers.Host"]),
        (json!({"headers": {"x-a": "b\nc"}}), vec!["headers.x-a"]),
        (
            json!({"headers": {"webhook-id": "1", "x-a": "b\nc", "x-b": "fine", "a b": "c"}}),
            vec!["headers.a b", "headers.webhook-id", "headers.x-a"],
        ),
        (json!({"url": "example.com/hook"}), vec!["url"]),
        (json!({"url": "ftp://example.com/hook"}), vec!["url"]),
        (json!({"url": format!("https://{}.example.com/", "a".repeat(64))}), vec!["url"]),
        (json!({"proxy": {"url": format!("http://{}.example.com", "a".repeat(64))}}), vec!["proxy.url"]),
        (json!({"format": "yaml"}), vec!["format"]),
        (json!({"transformation": "a".repeat(64 * 1024 + 1)}), vec!["transformation"]),
        (json!({"signature": "v2"}), vec!["signature"]),
        (json!({"secret": "abc"}), vec!["secret"]),
        (json!({"secret": "whsec_!!"}), vec!["secret"]),
        (json!({"secret": "whsec_AAAA"}), vec!["secret"]),
        (json!({"secret": "whsk_AAAA"}), vec!["secret"]),
        (json!({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "signature": "v1a"}), vec!["secret"]),
        (json!({"proxy": "http://proxy.example:3128"}), vec!["proxy"]),
        (json!({"proxy": {"url": "ftp://proxy.example"}}), vec!["proxy.url"]),
        (json!({"proxy": {"url": "http://a:b@proxy.example"}}), vec!["proxy.url"]),
        (json!({"proxy": {"url": "http://proxy.example/x"}}), vec!["proxy.url"]),
        (json!({"proxy": {"url": "http://10.0.0.1:3128"}}), vec!["proxy.url"]),
        (json!({"proxy": {"url": "socks5://localhost:1080"}}), vec!["proxy.url"]),
        (json!({"proxy": {"url": "socks5://[::ffff:169.254.169.254]"}}), vec!["proxy.url"]),
        (json!({"proxy": {"url": "http://p.example", "password": "x"}}), vec!["proxy.username"]),
        (json!({"proxy": {"url": "http://p.example", "username": "a:b"}}), vec!["proxy.username"]),
        (json!({"proxy": {"url": "http://p.example", "username": "a", "password": "••••"}}), vec!["proxy.password"]),
        (json!({"client_certificate": {"certificate_pem": "x"}}), vec!["client_certificate.private_key_pem"]),
        (
            json!({"client_certificate": {"certificate_pem": "x", "private_key_pem": "y"}}),
            vec!["client_certificate.certificate_pem"],
        ),
        (json!({"auth": "Bearer x"}), vec!["auth"]),
        (json!({"auth": ["bearer"]}), vec!["auth"]),
        (json!({"auth": {"type": "digest"}}), vec!["auth.type"]),
        (json!({"auth": {"type": "basic"}}), vec!["auth.username", "auth.password"]),
        (json!({"auth": {"type": "basic", "username": "a:b", "password": "c"}}), vec!["auth.username"]),
        (json!({"auth": {"type": "basic", "username": "a", "password": "b\n"}}), vec!["auth.password"]),
        (json!({"auth": {"type": "basic", "username": "a", "password": "••••"}}), vec!["auth.password"]),
        (json!({"auth": {"type": "basic", "username": "a", "password": "b", "token": "c"}}), vec!["auth.token"]),
        (json!({"auth": {"type": "bearer", "token": "a b"}}), vec!["auth.token"]),
        (json!({"auth": {"type": "bearer", "token": null}}), vec!["auth.token"]),
        (json!({"auth": {"type": "bearer", "token": "x"}, "headers": {"Authorization": "y"}}), vec!["auth"]),
        (
            json!({"retry_schedule": [], "timeout_seconds": 0, "max_concurrency": 0, "secret": "whsec_x"}),
            vec!["secret", "retry_schedule", "timeout_seconds", "max_concurrency"],
        ),
    ]
}

fn with_name_and_url(fields: &Value) -> Value {
    let mut body = json!({"name": "orders", "url": "https://example.com/hook"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn wrong_fields(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap();
    assert!(errors.iter().all(|error| text(&error["message"]).len() > 10), "{problem}");
    errors.iter().map(|error| text(&error["field"])).collect()
}

fn without_counts(api: &Api, id: &str) -> Value {
    api.get(&format!("/endpoints/{id}")).expect(200)
}

#[test]
fn every_wrong_field_of_an_endpoint_is_named() {
    let server = Server::builder().guard_closed().start();
    let api = server.api();
    let before = api.all("/endpoints").len();
    let fine = api.post("/endpoints", &with_name_and_url(&json!({}))).expect(201);
    let id = text(&fine["id"]);
    let stored = without_counts(&api, &id);
    for (fields, wrong) in cases() {
        let shown: String = fields.to_string().chars().take(100).collect();
        let created = api.post("/endpoints", &with_name_and_url(&fields)).expect_problem(422);
        assert_eq!(wrong_fields(&created), wrong, "{shown}");
        let changed = api.patch(&format!("/endpoints/{id}"), &fields).expect_problem(422);
        assert_eq!(wrong_fields(&changed), wrong, "{shown}");
    }
    assert_eq!(api.all("/endpoints").len(), before + 1);
    assert_eq!(without_counts(&api, &id), stored);
}

#[test]
fn every_wrong_field_of_a_project_is_named() {
    let server = Server::start();
    let api = server.api();
    let stored = api.get("/project").expect(200);
    for (fields, wrong) in [
        (json!({"name": ""}), "name"),
        (json!({"name": null}), "name"),
        (json!({"retry_schedule": [0, 5, 604_801]}), "retry_schedule[2]"),
        (json!({"disable_after_seconds": 31_536_001}), "disable_after_seconds"),
        (json!({"validation": "maybe"}), "validation"),
        (json!({"validation": null}), "validation"),
        (json!({"colour": "red"}), "colour"),
    ] {
        let problem = api.patch("/project", &fields).expect_problem(422);
        assert_eq!(wrong_fields(&problem), [wrong], "{fields}");
    }
    assert_eq!(api.get("/project").expect(200), stored);
}
