//! A client certificate and a proxy: taken, shown without what is secret, and kept sealed.

use crate::support::{Receiver, Server, eventually, is_in_data, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use std::time::Duration;

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn certificate(until: i32) -> (Value, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "kanca");
    params.not_after = date_time_ymd(until, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let secret = STANDARD.encode(key.serialized_der());
    let fields = json!({
        "certificate_pem": pem("CERTIFICATE", certificate.der()),
        "private_key_pem": pem("PRIVATE KEY", key.serialized_der()),
    });
    (fields, secret)
}

#[test]
fn a_certificate_and_a_proxy_are_shown_without_their_secrets() {
    let mut server = Server::start();
    let api = server.api();
    let (given, key) = certificate(2099);
    let proxy = json!({"url": "http://proxy.example:3128", "username": "ada", "password": "pr0xy-s3cr3t"});
    let fields = json!({"client_certificate": given, "proxy": proxy});
    let created = api.create_endpoint_with("https://example.com/", fields);
    let shown = json!({"subject": created["client_certificate"]["subject"], "not_after": "2099-01-01T00:00:00.000Z"});
    assert_eq!(created["client_certificate"], shown);
    assert!(text(&shown["subject"]).contains("kanca"), "{shown}");
    assert_eq!(created["proxy"], json!({"url": "http://proxy.example:3128", "username": "ada", "password": "••••"}));

    let path = format!("/endpoints/{}", text(&created["id"]));
    let (expired, _) = certificate(2020);
    let (other, _) = certificate(2099);
    let mixed = json!({"certificate_pem": given["certificate_pem"], "private_key_pem": other["private_key_pem"]});
    for (wrong, field, words) in
        [(expired, "certificate_pem", "expired (2020-01-01"), (mixed, "private_key_pem", "does not belong")]
    {
        let new = json!({"name": "x", "url": "https://example.com/", "client_certificate": wrong});
        let patch = json!({"client_certificate": wrong});
        for problem in [api.post("/endpoints", &new), api.patch(&path, &patch)] {
            let problem = problem.expect_problem(422);
            let error = &problem["errors"][0];
            assert_eq!(error["field"], format!("client_certificate.{field}"), "{problem}");
            assert!(text(&error["message"]).contains(words), "{problem}");
        }
    }
    server.terminate();
    for secret in [key.as_str(), "pr0xy-s3cr3t"] {
        assert!(!is_in_data(&server, secret));
        assert!(!server.log().contains(secret));
    }
    server.restart();
    assert_eq!(server.api().get(&path).expect(200)["client_certificate"], shown);
    let nothing = server.api().patch(&path, &json!({"client_certificate": null, "proxy": null})).expect(200);
    assert_eq!((&nothing["client_certificate"], &nothing["proxy"]), (&Value::Null, &Value::Null));
}

#[test]
fn requests_go_through_the_proxy() {
    let server = Server::start();
    let api = server.api();
    // It is no proxy: it refuses to connect, and that is seen on both sides.
    let proxy = Receiver::answering(|_| crate::support::Reply::status(403));
    let address = proxy.url().replace("/hook", "");
    let receiver = Receiver::start();
    api.create_endpoint_with(&receiver.url(), json!({"proxy": {"url": address}}));
    let event = api.publish("order.paid", json!(1));
    assert_eq!(proxy.wait_for(1)[0].method, "CONNECT");
    let delivery = eventually("the attempt is recorded", Duration::from_secs(10), || {
        Some(api.wait_for_delivery(&event, "pending")).filter(|d| d["attempt_count"] == 1)
    });
    assert!(text(&delivery["attempts"][0]["reason"]).contains("proxy"), "{delivery}");
    assert!(receiver.requests().is_empty());
}
