//! `CloudEvents` and plain text: what arrives, and that the attempt shows the same.

use crate::support::{Receiver, Server, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use standardwebhooks::Webhook;

#[test]
fn each_format_arrives_signed_and_is_shown_as_it_was_sent() {
    let server = Server::start();
    let api = server.api();
    for (format, content_type) in [
        ("cloudevents_structured", "application/cloudevents+json"),
        ("cloudevents_binary", "application/json"),
        ("text", "text/plain; charset=utf-8"),
    ] {
        let receiver = Receiver::start();
        let endpoint = api.create_endpoint_with(&receiver.url(), json!({"format": format}));
        assert_eq!(endpoint["format"], format);
        let event = api.publish("order.paid", json!("Merhaba dünya"));
        let received = receiver.wait_for(1).remove(0);
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
