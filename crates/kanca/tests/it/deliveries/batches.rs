//! Events that are published together: all of them or none.

use crate::support::{Receiver, Server, text};
use serde_json::{Value, json};

fn batch(items: &[Value]) -> Value {
    json!({ "events": items })
}

fn many(n: usize) -> Vec<Value> {
    (0..n).map(|n| json!({"type": "order.paid", "data": {"n": n}})).collect()
}

#[test]
fn a_batch_arrives_whole_and_each_under_its_own_id() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    api.create_endpoint(&receiver.url());
    let answer = api.post("/events/batch", &batch(&many(200))).expect(202);
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 200);
    assert!(items.iter().all(|i| i["status"] == "new"), "{answer}");
    let arrived = receiver.wait_for(200);
    for (n, item) in items.iter().enumerate() {
        let id = text(&item["id"]);
        let request = arrived.iter().find(|r| r.webhook_id() == id).expect("each id arrives");
        assert_eq!(request.json()["data"]["n"], n);
    }
}

#[test]
fn one_wrong_event_refuses_all_with_its_place() {
    let server = Server::start();
    let api = server.api();
    let mut items = many(5);
    items[1]["type"] = json!("not a type");
    items[2] = json!("no object");
    items[3]["timestamp"] = json!("yesterday");
    items[4]["surprise"] = json!(1);
    let problem = api.post("/events/batch", &batch(&items)).expect_problem(422);
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| text(&e["field"])).collect();
    assert_eq!(fields, ["events[1].type", "events[2]", "events[3].timestamp", "events[4].surprise"], "{problem}");
    assert_eq!(api.all("/events").len(), 0, "nothing of it was published");
}

#[test]
fn batches_that_cannot_be_read_are_refused_with_a_reason() {
    let server = Server::start();
    let api = server.api();
    let cases: [(Value, u16, &str); 6] = [
        (json!({"events": []}), 422, "1 to 1000"),
        (batch(&many(1_001)), 422, "1001"),
        (json!({"events": {"type": "a"}}), 422, "events"),
        (json!({}), 422, "events"),
        (json!([]), 422, "object"),
        (json!({"events": many(1), "more": true}), 422, "more"),
    ];
    for (body, status, says) in cases {
        let problem = api.post("/events/batch", &body).expect_problem(status);
        assert!(problem.to_string().contains(says), "{says}: {problem}");
    }
    let large = json!({"type": "order.paid", "data": "x".repeat(1 << 20)});
    api.post("/events/batch", &batch(&[large])).expect_problem(413);
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let body = batch(&many(1)).to_string();
    api.send("POST", "/api/v1/events/batch", &headers, Some(body.as_bytes())).expect_problem(400);
    assert_eq!(api.all("/events").len(), 0);
}

#[test]
fn keys_of_a_batch_are_each_their_events_own() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    api.create_endpoint(&receiver.url());
    let keyed = |key: &str, n: u8| json!({"type": "order.paid", "data": {"n": n}, "idempotency_key": key});
    let before = api.publish_with("order.paid", json!({"n": 1}), json!({"idempotency_key": "a"}));
    let answer = api.post("/events/batch", &batch(&[keyed("a", 1), keyed("b", 2), keyed("b", 2)])).expect(202);
    let statuses: Vec<_> = answer["items"].as_array().unwrap().iter().map(|i| text(&i["status"])).collect();
    assert_eq!(statuses, ["repeated", "new", "repeated"]);
    assert_eq!(answer["items"][0]["id"], before);
    assert_eq!(answer["items"][1]["id"], answer["items"][2]["id"]);

    let problem = api.post("/events/batch", &batch(&[keyed("c", 3), keyed("a", 9), keyed("c", 4)])).expect_problem(409);
    assert_eq!(problem["type"], "/problems/idempotency-key-taken");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| text(&e["field"])).collect();
    assert_eq!(fields, ["events[1].idempotency_key", "events[2].idempotency_key"], "{problem}");
    assert_eq!(api.all("/events").len(), 2, "nothing of the refused batch was published");
    let again = api.post("/events/batch", &batch(&[keyed("c", 4)])).expect(202);
    assert_eq!(again["items"][0]["status"], "new", "a refused batch uses up no key");
}

#[test]
fn a_batch_belongs_to_the_project_of_its_key() {
    let server = Server::start();
    let api = server.api();
    let other = api.create_project("Other");
    let answer = other.post("/events/batch", &batch(&many(1))).expect(202);
    let id = text(&answer["items"][0]["id"]);
    api.get(&format!("/events/{id}")).expect_problem(404);
    other.get(&format!("/events/{id}")).expect(200);
}
