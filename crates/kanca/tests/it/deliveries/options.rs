//! The options of an endpoint and of a project: they are kept, they can be taken back, and they hold.

use crate::support::{Receiver, Reply, Server, text};
use serde_json::{Value, json};
use std::time::Duration;

const OPTIONS: [&str; 7] = [
    "retry_schedule",
    "timeout_seconds",
    "rate_limit",
    "max_concurrency",
    "disable_after_seconds",
    "filter",
    "transformation",
];

fn options(endpoint: &Value) -> Value {
    OPTIONS.iter().map(|name| ((*name).to_owned(), endpoint[name].clone())).collect()
}

#[test]
fn options_are_kept_over_a_restart_and_can_be_taken_back() {
    let mut server = Server::start();
    let given = json!({
        "retry_schedule": [0, 1, 604_800], "timeout_seconds": 60, "rate_limit": {"requests": 10, "per_seconds": 1},
        "max_concurrency": 256, "disable_after_seconds": 0, "filter": null, "transformation": null,
    });
    let created = server.api().create_endpoint_with("https://example.com/", given.clone());
    assert_eq!(options(&created), given);
    let path = format!("/endpoints/{}", text(&created["id"]));
    server.terminate();
    server.restart();
    assert_eq!(options(&server.api().get(&path).expect(200)), given);

    let renamed = server.api().patch(&path, &json!({"name": "other"})).expect(200);
    assert_eq!(options(&renamed), given, "what is absent stays");
    let nothing: Value = OPTIONS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    assert_eq!(options(&server.api().patch(&path, &nothing).expect(200)), nothing);
}

#[test]
fn an_endpoint_has_a_timeout_and_a_schedule_of_its_own() {
    let server = Server::start();
    let receiver = Receiver::answering(|_| Reply::ok().after(Duration::from_secs(3)));
    let fields = json!({"timeout_seconds": 1, "retry_schedule": [0, 0]});
    server.api().create_endpoint_with(&receiver.url(), fields);
    let event = server.api().publish("order.paid", json!(1));

    let delivery = server.api().wait_for_delivery(&event, "failed");
    assert_eq!(delivery["attempt_count"], 2, "then the schedule has ended");
    for attempt in delivery["attempts"].as_array().unwrap() {
        assert_eq!(attempt["reason_code"], "timeout", "{attempt}");
        assert!(attempt["duration_ms"].as_f64().unwrap() < 2_500.0, "{attempt}");
    }
}

#[test]
fn a_projects_schedule_holds_for_endpoints_without_one() {
    let mut server = Server::start();
    let receiver = Receiver::answering(|_| Reply::status(500));
    let endpoint = server.api().create_endpoint(&receiver.url());
    let patch = json!({"retry_schedule": [0], "disable_after_seconds": 60, "validation": "warn", "name": "Shop"});
    let changed = server.api().patch("/project", &patch).expect(200);
    for (name, value) in patch.as_object().unwrap() {
        assert_eq!(&changed[name], value);
    }
    let event = server.api().publish("order.paid", json!(1));
    assert_eq!(server.api().wait_for_delivery(&event, "failed")["attempt_count"], 1);

    server.terminate();
    server.restart();
    assert_eq!(server.api().get("/project").expect(200), changed);
    let path = format!("/endpoints/{}", text(&endpoint["id"]));
    server.api().patch(&path, &json!({"retry_schedule": [0, 0]})).expect(200);
    let event = server.api().publish("order.paid", json!(1));
    assert_eq!(server.api().wait_for_delivery(&event, "failed")["attempt_count"], 2);

    let other = server.api().create_project("Other");
    assert_eq!(other.get("/project").expect(200)["retry_schedule"], Value::Null, "each project has its own");
    let back = json!({"retry_schedule": null, "disable_after_seconds": null, "validation": "off"});
    let changed = server.api().patch("/project", &back).expect(200);
    assert_eq!(changed["retry_schedule"], Value::Null);
}
