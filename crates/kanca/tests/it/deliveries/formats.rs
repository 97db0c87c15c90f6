//! `CloudEvents` and plain text: what arrives, and that the attempt shows the same.

use crate::support::{Api, Received, Receiver, Reply, Server, eventually, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
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

/// Wants events from another sender only.
fn reserved(request: &Received) -> Reply {
    match request.header("webhook-request-origin") {
        "" => Reply::ok(),
        _ => Reply::ok().header("webhook-allowed-origin", "other.example"),
    }
}

fn asked_with(api: &Api, receiver: &Receiver, state: &str) -> Value {
    let created = api.create_endpoint_with(&receiver.url(), json!({"format": "cloudevents_binary"}));
    let path = format!("/endpoints/{}", text(&created["id"]));
    eventually("it was asked", Duration::from_secs(10), || {
        Some(api.get(&path).expect(200)).filter(|endpoint| endpoint["handshake"]["state"] == state)
    })
}

#[test]
fn a_receiver_that_does_not_agree_gets_nothing_and_can_be_asked_again() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::answering(reserved);
    let refused = asked_with(&api, &receiver, "refused");
    assert!(text(&refused["handshake"]["detail"]).contains("“other.example”"), "{refused}");
    assert_eq!(refused["waiting"]["reason"], "handshake");
    let event = api.publish("order.paid", json!(1));
    api.wait_for_delivery(&event, "pending");
    let methods: Vec<_> = receiver.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["OPTIONS"]);

    receiver.answer_with(consenting);
    let path = format!("/api/v1/endpoints/{}/handshake", text(&refused["id"]));
    let granted = api.send("POST", &path, &[], None).expect(200);
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
fn a_receiver_may_agree_later_by_calling_back() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::answering(reserved);
    let refused = asked_with(&api, &receiver, "refused");
    let event = api.publish("order.paid", json!(1));
    let asked = receiver.requests().remove(0);
    let address = asked.header("webhook-request-callback").strip_prefix(&server.origin()).unwrap().to_owned();
    let stranger = server.api_as(None);
    stranger.send("GET", &address[..address.len() - 2], &[], None).expect_problem(404);
    stranger.send("GET", address.split('?').next().unwrap(), &[], None).expect_problem(400);
    for (method, rate) in [("GET", 30), ("POST", 600)] {
        let answer = stranger.send(method, &address, &[("webhook-allowed-rate", &rate.to_string())], None);
        assert_eq!(answer.status, 200, "{method}");
        let granted = api.get(&format!("/endpoints/{}", text(&refused["id"]))).expect(200);
        assert_eq!(granted["handshake"]["state"], "granted");
        assert_eq!(granted["handshake"]["per_minute"], rate);
    }
    api.wait_for_delivery(&event, "delivered");
}

#[test]
fn a_receiver_that_does_not_know_the_handshake_gets_a_few_events_in_a_minute() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let endpoint = asked_with(&api, &receiver, "unsupported");
    assert!(text(&endpoint["handshake"]["detail"]).contains("WebHook-Allowed-Origin: 127.0.0.1"), "{endpoint}");
    for n in 0..12 {
        api.publish("order.paid", json!(n));
    }
    let path = format!("/endpoints/{}", text(&endpoint["id"]));
    eventually("the others wait", Duration::from_secs(10), || {
        let endpoint = api.get(&path).expect(200);
        (endpoint["counts"]["delivered"] == 10 && endpoint["waiting"]["reason"] == "rate_limit").then_some(())
    });
    let posts = receiver.requests().iter().filter(|request| request.method == "POST").count();
    assert_eq!(posts, 10);
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
