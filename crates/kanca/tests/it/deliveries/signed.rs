//! What arrives is signed as Standard Webhooks says, over the exact bytes.

use crate::support::{Receiver, Reply, Server, text};
use serde_json::json;
use standardwebhooks::Webhook;

#[test]
fn an_event_arrives_signed_over_its_exact_bytes() {
    let server = Server::start();
    let receiver = Receiver::start();
    let endpoint = server.api().create_endpoint(&receiver.url());

    let event = server.api().publish("user.registered", json!({"email": "ada@example.com"}));

    let received = receiver.wait_for(1).remove(0);
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/hook"));
    assert_eq!(received.webhook_id(), event);
    verify(&text(&endpoint["secret"]), &received);
    let delivery = server.api().wait_for_delivery(&event, "delivered");
    assert_eq!(delivery["attempts"][0]["response"]["status"], 200, "{delivery}");
}

fn verify(secret: &str, received: &crate::support::Received) {
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, received.header(name).parse().unwrap());
    }
    Webhook::new(secret).unwrap().verify(&received.body, &headers).unwrap();
}

#[test]
fn a_refused_event_is_kept_for_another_try() {
    let server = Server::start();
    let receiver = Receiver::answering(|_| Reply::status(500));
    server.api().create_endpoint(&receiver.url());
    let event = server.api().publish("user.registered", json!(1));
    receiver.wait_for(1);
    server.api().wait_for_delivery(&event, "pending");
}
