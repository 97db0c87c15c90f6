//! The same publication twice makes one event.

use crate::support::{Answer, Receiver, Server, text};
use serde_json::json;

fn post(server: &Server, header: Option<&str>, body: &serde_json::Value) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(header.map(|key| ("idempotency-key", key)));
    server.api().send("POST", "/api/v1/events", &headers, Some(body.to_string().as_bytes()))
}

#[test]
fn the_same_key_and_content_give_the_same_answer_and_one_delivery() {
    let mut server = Server::start();
    let receiver = Receiver::start();
    server.api().create_endpoint(&receiver.url());
    let order = json!({"type": "order.paid", "data": {"id": 7}, "idempotency_key": "order-7"});

    let first = post(&server, None, &order).expect(202);
    assert_eq!(post(&server, None, &order).expect(200), first);
    server.kill_9();
    server.restart();
    assert_eq!(post(&server, None, &order).expect(200), first, "also after a crash");
    let without = json!({"type": "order.paid", "data": {"id": 7}});
    assert_eq!(post(&server, Some("order-7"), &without).expect(200), first, "the header is the same key");
    assert_eq!(post(&server, Some("order-7"), &order).expect(200), first, "both alike are one key");

    assert_eq!(server.api().all("/events?type=order.paid").len(), 1);
    assert_eq!(server.api().deliveries(&format!("event_id={}", text(&first["id"]))).len(), 1);
    assert_eq!(server.api().event(&text(&first["id"]))["idempotency_key"], "order-7");
}

#[test]
fn a_crowd_with_the_same_key_publishes_once() {
    let server = Server::start();
    let order = json!({"type": "order.paid", "data": 1, "idempotency_key": "crowd"});
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let posts: Vec<_> = (0..16).map(|_| scope.spawn(|| post(&server, None, &order))).collect();
        posts.into_iter().map(|p| p.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|a| a.status == 202).count(), 1);
    assert!(answers.iter().all(|a| a.json()["id"] == answers[0].json()["id"]));
}

#[test]
fn the_same_key_for_another_content_is_a_conflict() {
    let server = Server::start();
    post(&server, Some("k"), &json!({"type": "order.paid", "data": 1})).expect(202);
    for other in [
        json!({"type": "order.paid", "data": 2}),
        json!({"type": "order.lost", "data": 1}),
        json!({"type": "order.paid", "data": 1, "ordering_key": "x"}),
        json!({"type": "order.paid", "data": 1, "timestamp": "2026-11-24T09:30:00Z"}),
    ] {
        post(&server, Some("k"), &other).expect_problem(409);
    }
    assert_eq!(server.api().all("/events").len(), 1);
    post(&server, Some("k2"), &json!({"type": "order.paid", "data": 2})).expect(202);
}

#[test]
fn two_different_keys_for_one_event_cannot_be_read() {
    let server = Server::start();
    let order = json!({"type": "order.paid", "data": 1, "idempotency_key": "a"});
    post(&server, Some("b"), &order).expect_problem(400);
    assert_eq!(server.api().all("/events").len(), 0);
}

#[test]
fn keys_of_projects_are_apart() {
    let server = Server::start();
    let order = json!({"type": "order.paid", "data": 1, "idempotency_key": "a"});
    let mine = server.api().post("/events", &order).expect(202);
    let other = server.api().create_project("Other").post("/events", &order).expect(202);
    assert_ne!(mine["id"], other["id"]);
}
