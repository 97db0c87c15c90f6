//! Why (not) delivered: the trace of an event.

use crate::support::{Api, PATIENCE, Receiver, Reply, Server, eventually, text};
use serde_json::{Value, json};

fn trace(api: &Api, event: &str) -> Value {
    api.get(&format!("/events/{event}/trace")).expect(200)
}

fn path(endpoint: &Value) -> String {
    format!("/endpoints/{}", text(&endpoint["id"]))
}

/// The trace once its first delivery has this many attempts.
fn after_attempts(api: &Api, event: &str, n: usize) -> Value {
    eventually(&format!("{n} attempts"), PATIENCE, || {
        let trace = trace(api, event);
        (trace["deliveries"][0]["attempts"].as_array()?.len() >= n).then_some(trace)
    })
}

#[test]
fn each_webhook_is_named_with_what_it_got_or_why_not() {
    let server = Server::start();
    let api = server.api();
    let (good, bad) = (Receiver::start(), Receiver::answering(|_| Reply::status(503)));
    let got = api.create_endpoint_with(&good.url(), json!({"name": "Got it"}));
    let failing = api.create_endpoint_with(&bad.url(), json!({"name": "Failing"}));
    let other = api.create_endpoint_with(&good.url(), json!({"name": "Other types", "event_types": ["user.*"]}));
    let off = api.create_endpoint_with(&good.url(), json!({"name": "Off"}));
    api.patch(&path(&off), &json!({"status": "disabled"})).expect(200);
    let event = api.publish("order.paid", json!(1));
    let later = api.create_endpoint_with(&good.url(), json!({"name": "Later"}));

    let trace = eventually("both were attempted", PATIENCE, || {
        let trace = trace(&api, &event);
        let all = trace["deliveries"].as_array()?.clone();
        all.iter().all(|d| !d["attempts"].as_array().unwrap().is_empty()).then_some(trace)
    });
    let [first, second] = &trace["deliveries"].as_array().unwrap()[..] else { panic!("{trace}") };
    assert_eq!((&first["endpoint_id"], &first["status"]), (&got["id"], &json!("delivered")));
    assert_eq!((&first["waiting"], &first["recovered"]), (&Value::Null, &json!(false)));
    assert_eq!((&second["endpoint_id"], &second["status"]), (&failing["id"], &json!("pending")));
    assert_eq!(second["waiting"]["reason"], "schedule", "{second}");
    assert!(second["waiting"]["until"].is_string());
    let attempt = &second["attempts"][0];
    assert_eq!((&attempt["outcome"], &attempt["response_status"]), (&json!("failure"), &json!(503)));
    assert!(attempt["timings"]["total_us"].is_u64() && text(&attempt["reason"]).contains("503"), "{attempt}");

    assert_eq!((&attempt["reason_code"], &attempt["reason_detail"]), (&json!("http_status"), &json!("503")));

    let told = |endpoint: &Value| {
        let all = trace["not_sent"].as_array().unwrap();
        let told: Vec<_> = all.iter().filter(|told| told["endpoint_id"] == endpoint["id"]).collect();
        assert_eq!(told.len(), 1, "{trace}");
        (text(&told[0]["reason"]), told[0]["code"].clone(), told[0]["params"].clone())
    };
    let (reason, code, _) = told(&off);
    assert!(reason.contains("disabled") && code == "disabled");
    let (reason, code, params) = told(&other);
    assert!(reason.contains("does not subscribe to order.paid") && code == "not_subscribed");
    assert_eq!(params, json!({"event_type": "order.paid"}));
    let (reason, code, _) = told(&later);
    assert!(reason.contains("created after the event") && code == "created_later");
}

#[test]
fn what_a_delivery_waits_for_is_said() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::answering(|_| Reply::status(500));
    let endpoint = api.create_endpoint(&receiver.url());
    let head = api.publish_with("order.paid", json!(1), json!({"ordering_key": "a"}));
    let head_trace = after_attempts(&api, &head, 1);
    let held = api.publish_with("order.paid", json!(2), json!({"ordering_key": "a"}));
    let waiting = trace(&api, &held)["deliveries"][0]["waiting"].clone();
    assert_eq!((&waiting["reason"], &waiting["behind"]), (&json!("ordering"), &head_trace["deliveries"][0]["id"]));

    for status in ["paused", "disabled"] {
        api.patch(&path(&endpoint), &json!({"status": status})).expect(200);
        let traced = trace(&api, &head)["deliveries"][0].clone();
        assert_eq!(traced["waiting"]["reason"], status);
        let delivery = api.get(&format!("/deliveries/{}", text(&traced["id"]))).expect(200);
        assert_eq!(delivery["waiting"], traced["waiting"], "the delivery itself says the same");
    }
    api.patch(&path(&endpoint), &json!({"status": "active"})).expect(200);
    api.delete(&path(&endpoint)).expect(204);
    let gone = trace(&api, &head)["deliveries"][0].clone();
    assert_eq!((&gone["status"], &gone["waiting"]), (&json!("cancelled"), &Value::Null));
}

#[test]
fn an_event_that_nobody_wants_is_kept_and_explained() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let endpoint = api.create_endpoint_with(&receiver.url(), json!({"event_types": ["user.*"]}));
    let event = api.publish("order.paid", json!(1));
    let told = trace(&api, &event);
    assert_eq!(told["deliveries"], json!([]));
    let note = &told["notes"][0];
    assert!(text(&note["reason"]).contains("subscribe"), "{told}");
    assert_eq!(note["code"], "nobody_subscribes", "{told}");
    assert_eq!(note["params"]["event_type"], "order.paid", "{told}");
    assert_eq!(api.get(&format!("/events/{event}")).expect(200)["explanation"], told["notes"]);
    assert!(told["not_sent"].as_array().unwrap().iter().any(|t| t["endpoint_id"] == endpoint["id"]), "{told}");

    api.patch(&path(&endpoint), &json!({"event_types": ["order.*"]})).expect(200);
    let since = json!({"since": "2020-01-01T00:00:00Z"});
    assert_eq!(api.post(&format!("{}/recover", path(&endpoint)), &since).expect(202)["count"], 1);
    api.wait_for_delivery(&event, "delivered");
    let told = trace(&api, &event);
    assert_eq!(told["deliveries"][0]["recovered"], true, "{told}");
}

#[test]
fn a_trace_belongs_to_its_project() {
    let server = Server::start();
    let api = server.api();
    let event = api.publish("order.paid", json!(1));
    let other = api.create_project("Other");
    other.get(&format!("/events/{event}/trace")).expect_problem(404);
    api.get("/events/evt_nothing/trace").expect_problem(404);
    api.get(&format!("/events/{event}/trace?x=1")).expect_problem(400);
}
