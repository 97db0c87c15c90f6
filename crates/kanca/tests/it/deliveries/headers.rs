//! Custom headers go out as they were written and are shown to nobody.

use crate::support::{Receiver, Reply, Server, eventually, text};
use serde_json::json;
use std::time::Duration;

const SECRET: &str = "tr3s-secret-value";

#[test]
fn custom_headers_are_sent_and_never_shown_again() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::answering(|_| Reply::status(500).body("no"));
    let headers = json!({"X-Api-Key": SECRET, "authorization": format!("Bearer {SECRET}")});
    let endpoint = api.create_endpoint_with(&receiver.url(), json!({"headers": headers}));
    let id = text(&endpoint["id"]);
    let event = api.publish("order.paid", json!(1));

    let received = receiver.wait_for(1).remove(0);
    assert_eq!(received.header("x-api-key"), SECRET);
    assert_eq!(received.header("authorization"), format!("Bearer {SECRET}"));

    // It is pending from the start; the attempt is written down a moment after the receiver saw it.
    let delivery = eventually("the attempt is recorded", Duration::from_secs(10), || {
        Some(api.wait_for_delivery(&event, "pending")).filter(|d| d["attempt_count"] == 1)
    });
    let shown = [
        endpoint,
        api.get(&format!("/endpoints/{id}")).expect(200),
        api.get("/endpoints").expect(200),
        api.patch(&format!("/endpoints/{id}"), &json!({"name": "Renamed"})).expect(200),
        api.event(&event),
        api.get("/deliveries").expect(200),
        delivery.clone(),
    ];
    for answer in shown {
        assert!(!answer.to_string().contains(SECRET), "{answer}");
    }
    let sent = &delivery["attempts"][0]["request"]["headers"];
    assert!(sent.as_array().unwrap().contains(&json!(["X-Api-Key", "••••"])), "{sent}");
    let curl = text(&delivery["curl"]);
    assert!(curl.starts_with("curl ") && curl.contains(&receiver.url()) && curl.contains("$X_API_KEY"), "{curl}");
    assert!(!server.log().contains(SECRET));
}

#[test]
fn secrets_lie_encrypted_on_the_disk() {
    let mut server = Server::start();
    let receiver = Receiver::start();
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
    let fields = json!({"headers": {"x-api-key": SECRET}, "secret": own});
    server.api().create_endpoint_with(&receiver.url(), fields);
    let event = server.api().publish("order.paid", json!(1));
    server.api().wait_for_delivery(&event, "delivered");
    assert!(server.terminate().success());

    for file in std::fs::read_dir(server.data_dir()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in [SECRET, own, &own["whsec_".len()..]] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{} holds {secret}", path.display());
        }
    }
    server.restart();
    server.api().publish("order.paid", json!(2));
    assert_eq!(receiver.wait_for(2)[1].header("x-api-key"), SECRET, "it still opens after a restart");
}

#[test]
fn a_masked_value_keeps_the_stored_one() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let endpoint = api.create_endpoint_with(&receiver.url(), json!({"headers": {"x-api-key": SECRET, "x-old": "1"}}));
    let path = format!("/endpoints/{}", text(&endpoint["id"]));

    api.patch(&path, &json!({"headers": {"x-api-key": "••••", "x-new": "2"}})).expect(200);
    api.publish("order.paid", json!(1));

    let received = receiver.wait_for(1).remove(0);
    assert_eq!((received.header("x-api-key"), received.header("x-new")), (SECRET, "2"));
    assert_eq!(received.header("x-old"), "", "headers that are left out are gone");
}

#[test]
fn headers_that_belong_to_kanca_or_the_connection_are_refused() {
    let server = Server::start();
    for name in [
        "host",
        "Content-Type",
        "content-length",
        "connection",
        "transfer-encoding",
        "te",
        "upgrade",
        "expect",
        "webhook-id",
        "Webhook-Anything",
        "kanca-hops",
        "bad name",
        "",
        "ünlü",
        "a:b",
    ] {
        let input = json!({"name": "x", "url": "https://example.com", "headers": {name: "1"}});
        let problem = server.api().post("/endpoints", &input).expect_problem(422);
        assert_eq!(problem["errors"][0]["field"], format!("headers.{name}"), "{name}: {problem}");
    }
    for value in ["a\r\nx-evil: 1", "a\0b", " ", "ş"] {
        let input = json!({"name": "x", "url": "https://example.com", "headers": {"x-a": value}});
        server.api().post("/endpoints", &input).expect_problem(422);
    }
}
