//! Changing, pausing, disabling and deleting endpoints: in force when the answer is there.

use crate::support::{Api, Receiver, Reply, Server, eventually, text};
use serde_json::{Value, json};
use std::time::Duration;

fn path(endpoint: &Value) -> String {
    format!("/endpoints/{}", text(&endpoint["id"]))
}

fn set_status(api: &Api, endpoint: &Value, status: &str) {
    assert_eq!(api.patch(&path(endpoint), &json!({"status": status})).expect(200)["status"], status);
}

#[test]
fn a_change_is_in_force_before_its_answer() {
    let server = Server::start();
    let api = server.api();
    let (old, new) = (Receiver::start(), Receiver::start());
    let endpoint = api.create_endpoint(&old.url());
    for round in 0..20 {
        let (to, from) = if round % 2 == 0 { (&new, &old) } else { (&old, &new) };
        let before = (to.requests().len(), from.requests().len());
        let format = if round % 2 == 0 { "xml" } else { "json" };
        api.patch(&path(&endpoint), &json!({"url": to.url(), "format": format})).expect(200);
        api.publish("order.paid", json!(round));
        let arrived = to.wait_for(before.0 + 1).pop().unwrap();
        assert!(arrived.header("content-type").contains(format));
        assert_eq!(from.requests().len(), before.1, "nothing goes to the old address");
    }
    api.patch(&path(&endpoint), &json!({"event_types": ["user.*"]})).expect(200);
    let event = api.event(&api.publish("order.paid", json!(1)));
    assert_eq!(event["deliveries"]["pending"], 0);
    assert_eq!(api.get(&path(&endpoint)).expect(200)["event_types"], json!(["user.*"]));
}

#[test]
fn while_disabled_events_make_no_delivery_and_say_why() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let endpoint = api.create_endpoint_with(&receiver.url(), json!({"name": "Shop"}));
    set_status(&api, &endpoint, "disabled");

    let event = api.event(&api.publish("order.paid", json!(1)));

    let explanation = &event["explanation"][0];
    assert_eq!((&explanation["endpoint_id"], &explanation["endpoint_name"]), (&endpoint["id"], &json!("Shop")));
    assert!(text(&explanation["reason"]).contains("disabled"), "{event}");
    set_status(&api, &endpoint, "active");
    let event = api.publish("order.paid", json!(2));
    api.wait_for_delivery(&event, "delivered");
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn disabling_keeps_what_was_pending() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::answering(|_| Reply::status(500));
    let endpoint = api.create_endpoint(&receiver.url());
    let event = api.publish("order.paid", json!(1));
    receiver.wait_for(1);
    set_status(&api, &endpoint, "disabled");
    receiver.answer_with(|_| Reply::ok());
    // Its next attempt would be due after five seconds.
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(receiver.requests().len(), 1, "nothing is sent while it is disabled");
    api.wait_for_delivery(&event, "pending");
    set_status(&api, &endpoint, "active");
    api.wait_for_delivery(&event, "delivered");
}

#[test]
fn what_an_active_endpoint_waits_for_is_not_said_of_another() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::answering(|_| Reply::status(500));
    let fields = json!({"retry_schedule": [0, 0, 0, 600, 600], "disable_after_seconds": 1});
    let endpoint = api.create_endpoint_with(&receiver.url(), fields);
    for n in 0..20 {
        api.publish("order.paid", json!(n));
    }
    let event = api.publish("order.paid", json!(20));
    let waiting = || api.get(&path(&endpoint)).expect(200)["waiting"].clone();
    eventually("the breaker is open", Duration::from_secs(10), || (waiting()["reason"] == "breaker").then_some(()));
    // Attempts asked for by hand bring the end of its time sooner than the next probe would.
    let delivery = text(&api.deliveries(&format!("event_id={event}"))[0]["id"]);
    let disabled = eventually("it is disabled by itself", Duration::from_secs(10), || {
        api.post(&format!("/deliveries/{delivery}/retry"), &json!({})).expect(202);
        Some(api.get(&path(&endpoint)).expect(200)).filter(|shown| shown["status"] == "disabled")
    });
    assert_eq!(disabled["waiting"], Value::Null, "{disabled}");
    assert!(disabled["failing_since"].is_string(), "{disabled}");
}

#[test]
fn pausing_keeps_events_and_resuming_delivers_them_in_order() {
    let mut server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let endpoint = api.create_endpoint(&receiver.url());
    set_status(&api, &endpoint, "paused");
    let events: Vec<String> =
        (0..30).map(|n| api.publish_with("order.moved", json!(n), json!({"ordering_key": "k"}))).collect();
    assert_eq!(api.get(&path(&endpoint)).expect(200)["counts"]["pending"], 30);
    assert!(receiver.requests().is_empty());
    server.kill_9();
    server.restart();
    assert_eq!(api.get(&path(&endpoint)).expect(200)["status"], "paused");

    set_status(&api, &endpoint, "active");

    let order: Vec<_> = receiver.wait_for(30).iter().map(|r| r.webhook_id().to_owned()).collect();
    assert_eq!(order, events);
}

#[test]
fn deleting_cancels_what_is_pending_and_later_events_are_explained() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::answering(|_| Reply::status(500));
    let endpoint = api.create_endpoint(&receiver.url());
    let events: Vec<String> =
        (0..3).map(|n| api.publish_with("order.moved", json!(n), json!({"ordering_key": "k"}))).collect();
    receiver.wait_for(1);

    assert_eq!(api.delete(&path(&endpoint)).status, 204);

    for event in &events {
        let delivery = api.wait_for_delivery(event, "cancelled");
        let retry = api.post(&format!("/deliveries/{}/retry", text(&delivery["id"])), &json!({}));
        retry.expect_problem(409);
    }
    api.get(&path(&endpoint)).expect_problem(404);
    api.delete(&path(&endpoint)).expect_problem(404);
    api.patch(&path(&endpoint), &json!({"name": "x"})).expect_problem(404);
    let event = api.event(&api.publish("order.moved", json!(4)));
    assert_eq!(event["explanation"].as_array().unwrap().len(), 1, "{event}");
    assert_eq!(api.deliveries("status=cancelled").len(), 3);
}

#[test]
fn deleting_during_an_attempt_ends_in_order() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::answering(|_| Reply::ok().after(Duration::from_secs(1)));
    let endpoint = api.create_endpoint(&receiver.url());
    let event = api.publish("order.paid", json!(1));
    receiver.wait_for(1);
    assert_eq!(api.delete(&path(&endpoint)).status, 204);
    let delivery = eventually("the running attempt is written down", Duration::from_secs(5), || {
        let delivery = api.wait_for_delivery(&event, "cancelled");
        (delivery["attempt_count"] == 1).then_some(delivery)
    });
    assert_eq!(delivery["attempts"][0]["response"]["status"], 200, "{delivery}");
}
