//! `CloudEvents` and plain text: what arrives, and that the attempt shows the same.

use crate::support::{Received, Receiver, Reply, Server, eventually, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use standardwebhooks::Webhook;
use std::time::Duration;

/// Agrees to whatever it is asked.
fn consenting(request: &Received) -> Reply {
    match request.header("webhook-request-origin") {
        "" => Reply::ok(),
        origin => Reply::ok().header("webhook-allowed-origin", origin).header("webhook-allowed-rate", "*"),
    }
}

#[test]
fn each_format_arrives_signed_and_is_shown_as_it_was_sent() {
    let server = Server::start();
    let api = server.api();
    for (format, content_type) in [
        ("cloudevents_structured", "application/cloudevents+json"),
        ("cloudevents_binary", "application/json"),
        ("text", "text/plain; charset=utf-8"),
    ] {
        let receiver = Receiver::answering(consenting);
        let endpoint = api.create_endpoint_with(&receiver.url(), json!({"format": format}));
        assert_eq!(endpoint["format"], format);
        let event = api.publish("order.paid", json!("Merhaba dünya"));
        let posted = |receiver: &Receiver| receiver.requests().into_iter().find(|request| request.method == "POST");
        let received = eventually("it arrives", Duration::from_secs(10), || posted(&receiver));
        assert_eq!(received.header("content-type"), content_type);
        let mut headers = http::HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, received.header(name).parse().unwrap());
        }
        let secret = text(&endpoint["secret"]);
        assert!(Webhook::new(&secret).unwrap().verify(&received.body, &headers).is_ok(), "{format}");

        let timestamp = api.event(&event)["timestamp"].clone();
        match format {
            "cloudevents_structured" => {
                let body = received.json();
                assert_eq!((&body["id"], &body["type"]), (&json!(event), &json!("order.paid")));
                assert_eq!((&body["time"], &body["data"]), (&timestamp, &json!("Merhaba dünya")));
            }
            "cloudevents_binary" => {
                assert_eq!(received.text(), "\"Merhaba dünya\"");
                let of = ["ce-specversion", "ce-id", "ce-type", "ce-time"].map(|name| received.header(name));
                assert_eq!(of, ["1.0", &event, "order.paid", timestamp.as_str().unwrap()]);
                assert!(received.header("ce-source").starts_with("urn:kanca:prj_"));
            }
            _ => assert_eq!(received.text(), "Merhaba dünya"),
        }

        let delivery = api.wait_for_delivery(&event, "delivered");
        let request = &delivery["attempts"][0]["request"];
        let shown = request["headers"].as_array().unwrap();
        for (name, value) in received.headers.iter().filter(|(name, _)| name.starts_with("ce-")) {
            assert!(shown.contains(&json!([name, value])), "{name} in {request}");
        }
        let body = text(&request["body"]);
        let as_sent = body.as_bytes() == received.body || STANDARD.decode(&body).ok() == Some(received.body.clone());
        assert!(as_sent, "{request}");
        api.delete(&format!("/endpoints/{}", text(&endpoint["id"]))).expect(204);
    }
}

#[test]
fn a_receiver_that_has_not_agreed_gets_nothing_and_can_be_asked_again() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let created = api.create_endpoint_with(&receiver.url(), json!({"format": "cloudevents_binary"}));
    let path = format!("/endpoints/{}", text(&created["id"]));
    let refused = eventually("it was asked", Duration::from_secs(10), || {
        Some(api.get(&path).expect(200)).filter(|endpoint| endpoint["handshake"]["state"] == "refused")
    });
    assert!(text(&refused["handshake"]["detail"]).contains("WebHook-Allowed-Origin: 127.0.0.1"), "{refused}");
    assert_eq!(refused["waiting"]["reason"], "handshake");
    let event = api.publish("order.paid", json!(1));
    api.wait_for_delivery(&event, "pending");
    let methods: Vec<_> = receiver.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["OPTIONS"]);

    receiver.answer_with(consenting);
    let granted = api.send("POST", &format!("/api/v1{path}/handshake"), &[], None).expect(200);
    assert_eq!(granted["handshake"]["state"], "granted");
    api.wait_for_delivery(&event, "delivered");
    let last = receiver.requests().pop().unwrap();
    assert_eq!((last.method.as_str(), last.header("webhook-request-origin")), ("POST", "127.0.0.1"));

    let plain = api.create_endpoint(&receiver.url());
    assert_eq!(plain["handshake"], json!(null));
    let none = format!("/api/v1/endpoints/{}/handshake", text(&plain["id"]));
    api.send("POST", &none, &[], None).expect_problem(409);
}

#[test]
fn an_inbox_agrees() {
    let server = Server::start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "box"}));
    api.create_endpoint_with(&text(&inbox["url"]), json!({"format": "cloudevents_structured"}));
    let event = api.publish("order.paid", json!(1));
    api.wait_for_delivery(&event, "delivered");
    assert_eq!(api.newest_captured(&inbox)["method"], "POST");
}
