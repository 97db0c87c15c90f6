//! What arrives is signed as Standard Webhooks says, over the exact bytes.

use crate::support::{Received, Receiver, Reply, Server, text};
use serde_json::json;
use standardwebhooks::Webhook;

/// Checks with a library that is not Kanca's own.
fn verifies(secret: &str, received: &Received) -> bool {
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, received.header(name).parse().unwrap());
    }
    Webhook::new(secret).unwrap().verify(&received.body, &headers).is_ok()
}

#[test]
fn an_event_arrives_signed_under_its_own_id() {
    let server = Server::start();
    let receiver = Receiver::start();
    let endpoint = server.api().create_endpoint(&receiver.url());

    let event = server.api().publish("user.registered", json!({"email": "ada@example.com", "name": "Şükrü"}));

    let received = receiver.wait_for(1).remove(0);
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/hook"));
    assert_eq!(received.webhook_id(), event);
    assert!(verifies(&text(&endpoint["secret"]), &received));
    assert!(!verifies("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &received), "another secret must not do");
    server.api().wait_for_delivery(&event, "delivered");
}

#[test]
fn a_secret_of_ones_own_signs() {
    let server = Server::start();
    let receiver = Receiver::start();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
    let endpoint = server.api().create_endpoint_with(&receiver.url(), json!({"secret": secret}));

    server.api().publish("order.paid", json!(1));

    assert!(verifies(secret, &receiver.wait_for(1)[0]));
    let shown = server.api().get(&format!("/endpoints/{}/secret", text(&endpoint["id"]))).expect(200);
    assert_eq!(shown, json!({"secret": secret}));
}

#[test]
fn every_format_is_signed_over_what_was_sent() {
    let server = Server::start();
    let receiver = Receiver::start();
    let secrets = ["json", "xml", "form"].map(|format| {
        let fields = json!({"format": format});
        text(&server.api().create_endpoint_with(&receiver.url_at(&format!("/{format}")), fields)["secret"])
    });

    server.api().publish("order.paid", json!({"total": 1.5, "note": "a<b & “c”\u{1}"}));

    for received in receiver.wait_for(3) {
        let known = ["/json", "/xml", "/form"].iter().position(|path| received.target == *path).unwrap();
        assert!(verifies(&secrets[known], &received), "{}", received.target);
    }
}

#[test]
fn a_retry_carries_the_same_id_and_body_with_a_new_timestamp() {
    let server = Server::start();
    let receiver = Receiver::answering(|_| Reply::status(503));
    let secret = text(&server.api().create_endpoint(&receiver.url())["secret"]);
    let event = server.api().publish("order.paid", json!({"n": 1}));
    receiver.wait_for(1);
    receiver.answer_with(|_| Reply::ok());

    let [first, second] = receiver.wait_for(2).try_into().unwrap();

    assert_eq!((first.webhook_id(), second.webhook_id()), (event.as_str(), event.as_str()));
    assert_eq!(first.body, second.body);
    let sent_at = |r: &Received| r.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!((4..=8).contains(&(sent_at(&second) - sent_at(&first))));
    assert_ne!(first.header("webhook-signature"), second.header("webhook-signature"));
    assert!(verifies(&secret, &second));
}
