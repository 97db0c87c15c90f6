//! Sending again, recovering, testing: many deliveries by one call.

use crate::support::{Api, PATIENCE, Received, Receiver, Reply, Server, eventually, text};
use serde_json::{Value, json};
use std::collections::HashMap;

fn batch(api: &Api, kind: &str, n: usize) {
    for from in (0..n).step_by(1_000) {
        let one = |n: usize| json!({"type": kind, "data": {"n": n}, "ordering_key": (n % 5).to_string()});
        let events: Vec<Value> = (from..n.min(from + 1_000)).map(one).collect();
        api.post("/events/batch", &json!({ "events": events })).expect(202);
    }
}

fn counts(api: &Api, endpoint: &Value) -> Value {
    let all = api.all("/endpoints");
    let found = all.iter().find(|e| e["id"] == endpoint["id"]);
    found.map_or(Value::Null, |e| e["counts"].clone())
}

fn by_id(all: &[Received]) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for request in all {
        *times.entry(request.webhook_id().to_owned()).or_default() += 1;
    }
    times
}

#[test]
fn a_filtered_selection_is_counted_first_and_then_sent_again() {
    let server = Server::start();
    let api = server.api();
    let (one, other) = (Receiver::start(), Receiver::start());
    let endpoint = api.create_endpoint(&one.url());
    api.create_endpoint(&other.url());
    batch(&api, "order.paid", 30);
    batch(&api, "order.shipped", 4);
    one.wait_for(34);
    other.wait_for(34);
    eventually("all are recorded", PATIENCE, || (counts(&api, &endpoint)["delivered"] == 34).then_some(()));

    let retry = |fields: Value, status: u16| {
        let mut input = json!({"status": "delivered", "endpoint_id": endpoint["id"]});
        input.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
        api.post("/deliveries/retry", &input).expect(status)["count"].as_u64().unwrap()
    };
    assert_eq!(retry(json!({"dry_run": true}), 200), 34);
    assert_eq!(retry(json!({"dry_run": true, "event_type": "order.*"}), 200), 34);
    assert_eq!(retry(json!({"dry_run": true, "event_type": "order.shipped"}), 200), 4);
    assert_eq!(retry(json!({"dry_run": true, "status": "failed"}), 200), 0);
    assert_eq!(retry(json!({"dry_run": true, "status": "cancelled"}), 200), 0);
    assert_eq!(retry(json!({"dry_run": true, "since": "2100-01-01T00:00:00Z"}), 200), 0);
    assert_eq!(retry(json!({"dry_run": true, "until": "2000-01-01T00:00:00Z"}), 200), 0);
    assert_eq!(one.requests().len(), 34, "a dry run sends nothing");

    assert_eq!(retry(json!({"event_type": "order.shipped", "since": "2000-01-01T00:00:00Z"}), 202), 4);
    let arrived = one.wait_for(38);
    let again: Vec<_> = by_id(&arrived).into_values().filter(|n| *n == 2).collect();
    assert_eq!(again.len(), 4, "the same events under the same ids");
    eventually("all have ended", PATIENCE, || (counts(&api, &endpoint)["delivered"] == 34).then_some(()));
    assert_eq!(other.requests().len(), 34, "the other webhook got nothing again");
    let all = api.post("/deliveries/retry", &json!({"status": "delivered", "dry_run": true})).expect(200);
    assert_eq!(all["count"], 68, "without an endpoint it is about all of the project's");
}

#[test]
fn a_kill_in_the_middle_of_a_replay_loses_nothing_and_it_goes_on() {
    let mut server = Server::start();
    let receiver = Receiver::start();
    let endpoint = server.api().create_endpoint(&receiver.url());
    batch(&server.api(), "order.paid", 2_000);
    receiver.wait_for(2_000);
    let delivered = |server: &Server| counts(&server.api(), &endpoint)["delivered"].clone();
    eventually("all are recorded", PATIENCE, || (delivered(&server) == 2_000).then_some(()));

    let input = json!({"status": "delivered", "endpoint_id": endpoint["id"]});
    assert_eq!(server.api().post("/deliveries/retry", &input).expect(202)["count"], 2_000);
    for more in [1, 300, 700] {
        receiver.wait_for(2_000 + more);
        server.kill_9();
        server.restart();
        let now = counts(&server.api(), &endpoint);
        let sum: u64 = ["pending", "delivered", "failed", "cancelled"].iter().map(|s| now[s].as_u64().unwrap()).sum();
        assert_eq!(sum, 2_000, "{now}");
    }
    eventually("all of it was sent again", PATIENCE * 2, || {
        let times = by_id(&receiver.requests());
        (times.len() == 2_000 && times.values().all(|n| *n >= 2)).then_some(())
    });
    eventually("all have ended", PATIENCE, || (delivered(&server) == 2_000).then_some(()));
    let times = by_id(&receiver.requests());
    let more_than_twice = times.values().filter(|n| **n > 2).count();
    assert!(more_than_twice <= 3 * 64, "{more_than_twice} came more often than what was in flight at the kills");
}

#[test]
fn what_was_missed_while_disabled_is_recovered() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let endpoint = api.create_endpoint_with(&receiver.url(), json!({"event_types": ["order.*"]}));
    let path = format!("/endpoints/{}", text(&endpoint["id"]));
    api.publish("order.paid", json!(1));
    receiver.wait_for(1);
    api.patch(&path, &json!({"status": "disabled"})).expect(200);
    let missed = api.publish("order.paid", json!(2));
    api.publish("user.created", json!(3));
    api.patch(&path, &json!({"status": "active"})).expect(200);

    let recover = |fields: Value| {
        let mut input = json!({"since": "2020-01-01T00:00:00Z"});
        input.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
        api.post(&format!("{path}/recover"), &input)
    };
    assert_eq!(recover(json!({"dry_run": true})).expect(200)["count"], 1);
    assert_eq!(recover(json!({"until": "2021-01-01T00:00:00Z"})).expect(202)["count"], 0);
    assert_eq!(recover(json!({})).expect(202)["count"], 1);
    let arrived = receiver.wait_for(2);
    assert_eq!(arrived[1].webhook_id(), missed);
    api.wait_for_delivery(&missed, "delivered");
    assert_eq!(recover(json!({})).expect(202)["count"], 0, "twice is not twice as much");
}

#[test]
fn a_test_goes_to_one_webhook_and_is_marked() {
    let server = Server::start();
    let api = server.api();
    let (one, other) = (Receiver::start(), Receiver::start());
    let endpoint = api.create_endpoint_with(&one.url(), json!({"event_types": []}));
    api.create_endpoint(&other.url());
    let path = format!("/endpoints/{}/test", text(&endpoint["id"]));
    let sent = api.post(&path, &json!({})).expect(202);
    let arrived = one.wait_for(1).remove(0);
    assert_eq!((arrived.webhook_id(), arrived.header("kanca-test")), (text(&sent["id"]).as_str(), "true"));
    assert_eq!(arrived.json()["type"], "test.ping");
    let delivery = api.delivery(&text(&sent["delivery_id"]));
    assert_eq!(delivery["event_id"], sent["id"]);
    let event = api.event(&text(&sent["id"]));
    assert_eq!(event["test"], true, "{event}");
    assert!(api.all("/events?type=test.ping").iter().all(|e| e["test"] == true));

    let sent = api.post(&path, &json!({"type": "order.paid", "data": {"id": 7, "total": 19.90}})).expect(202);
    let arrived = one.wait_for(2).remove(1);
    assert_eq!(arrived.webhook_id(), text(&sent["id"]));
    assert!(arrived.text().contains(r#""type":"order.paid""#), "{}", arrived.text());
    let ordinary = api.publish("order.paid", json!(1));
    let arrived = other.wait_for(1).remove(0);
    assert_eq!((arrived.webhook_id(), arrived.header("kanca-test")), (ordinary.as_str(), ""));
    assert_eq!(api.event(&ordinary)["test"], false);

    let sent = api.send("POST", &format!("/api/v1{path}"), &[], None).expect(202);
    assert_eq!(
        one.wait_for(3).remove(2).webhook_id(),
        text(&sent["id"]),
        "everything has a default, so no body will do"
    );

    let endpoint_path = format!("/endpoints/{}", text(&endpoint["id"]));
    for status in ["paused", "disabled"] {
        api.patch(&endpoint_path, &json!({"status": status})).expect(200);
        let problem = api.post(&path, &json!({})).expect_problem(409);
        assert!(problem["detail"].as_str().unwrap().contains(status), "{problem}");
    }
}

#[test]
fn replays_belong_to_their_project() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let endpoint = api.create_endpoint(&receiver.url());
    let event = api.publish("order.paid", json!(1));
    api.wait_for_delivery(&event, "delivered");
    let other = api.create_project("Other");
    let id = text(&endpoint["id"]);
    let since = json!({"since": "2020-01-01T00:00:00Z"});
    for action in ["retry-failed", "recover"] {
        other.post(&format!("/endpoints/{id}/{action}"), &since).expect_problem(404);
    }
    other.post(&format!("/endpoints/{id}/test"), &json!({})).expect_problem(404);
    other.post("/deliveries/retry", &json!({"endpoint_id": id, "status": "delivered"})).expect_problem(404);
    assert_eq!(other.post("/deliveries/retry", &json!({"status": "delivered"})).expect(202)["count"], 0);
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn replays_that_make_no_sense_are_refused_with_the_field() {
    let server = Server::start();
    let api = server.api();
    let endpoint = api.create_endpoint(&Receiver::start().url());
    let id = text(&endpoint["id"]);
    let of = |action: &str| format!("/endpoints/{id}/{action}");
    let cases = [
        ("/deliveries/retry".to_owned(), json!({"status": "pending"}), "status"),
        ("/deliveries/retry".to_owned(), json!({"status": "lost"}), "status"),
        ("/deliveries/retry".to_owned(), json!({"event_type": "a b"}), "event_type"),
        ("/deliveries/retry".to_owned(), json!({"since": "yesterday"}), "since"),
        ("/deliveries/retry".to_owned(), json!({"until": 5}), "until"),
        ("/deliveries/retry".to_owned(), json!({"limit": 5}), "limit"),
        ("/deliveries/retry".to_owned(), json!({"dry_run": "yes"}), "dry_run"),
        (
            "/deliveries/retry".to_owned(),
            json!({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}),
            "until",
        ),
        (of("retry-failed"), json!({}), "since"),
        (of("retry-failed"), json!({"since": ""}), "since"),
        (of("recover"), json!({}), "since"),
        (of("recover"), json!({"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}), "until"),
        (of("recover"), json!({"since": "2026-13-01T00:00:00Z"}), "since"),
        (of("test"), json!({"type": "not a type"}), "type"),
        (of("test"), json!({"kind": "a"}), "kind"),
    ];
    for (path, body, field) in cases {
        let problem = api.post(&path, &body).expect_problem(422);
        assert_eq!(problem["errors"][0]["field"], field, "{path} {body}: {problem}");
    }
    api.post("/deliveries/retry", &json!({"endpoint_id": "nothing"})).expect_problem(404);
    api.send_text("POST", &of("recover"), "{").expect_problem(400);
    assert_eq!(api.all("/events").len(), 0);
}

#[test]
fn a_kill_after_deleting_a_webhook_with_a_backlog_still_cancels_all_of_it() {
    let mut server = Server::start();
    let receiver = Receiver::answering(|_| Reply::status(500));
    let endpoint = server.api().create_endpoint(&receiver.url());
    let path = format!("/endpoints/{}", text(&endpoint["id"]));
    server.api().patch(&path, &json!({"status": "paused"})).expect(200);
    batch(&server.api(), "order.paid", 5_000);
    assert_eq!(counts(&server.api(), &endpoint)["pending"], 5_000);
    server.api().delete(&path).expect(204);
    server.kill_9();
    server.restart();
    server.api().get(&path).expect_problem(404);
    let totals = || server.api().get("/overview").expect(200)["deliveries"].clone();
    eventually("all of it is cancelled", PATIENCE * 2, || {
        let now = totals();
        assert_eq!(now["pending"].as_u64().unwrap() + now["cancelled"].as_u64().unwrap(), 5_000, "{now}");
        (now["cancelled"] == 5_000).then_some(())
    });
    assert_eq!(receiver.requests().len(), 0);
}
