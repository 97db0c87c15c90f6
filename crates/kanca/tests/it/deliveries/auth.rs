//! Credentials of an endpoint: sent, never shown again, kept when only something else is changed.

use crate::support::{Receiver, Server, is_in_data, text};
use serde_json::{Value, json};

#[test]
fn credentials_are_sent_and_never_shown_again() {
    let mut server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let auth = json!({"type": "basic", "username": "ada", "password": "s3cr3t-w0rd"});
    let created = api.create_endpoint_with(&receiver.url(), json!({"auth": auth}));
    let masked = json!({"type": "basic", "username": "ada", "password": "••••"});
    assert_eq!(created["auth"], masked);
    let path = format!("/endpoints/{}", text(&created["id"]));

    let event = api.publish("order.paid", json!(1));
    assert_eq!(receiver.wait_for(1)[0].header("authorization"), "Basic YWRhOnMzY3IzdC13MHJk");
    let delivery = api.wait_for_delivery(&event, "delivered");
    let sent = &delivery["attempts"][0]["request"]["headers"];
    assert!(sent.as_array().unwrap().contains(&json!(["authorization", "••••"])), "{sent}");
    assert!(!delivery.to_string().contains("YWRhOnMzY3IzdC13MHJk"), "{delivery}");

    let renamed = json!({"type": "basic", "username": "eve", "password": "••••"});
    assert_eq!(api.patch(&path, &json!({"auth": renamed})).expect(200)["auth"], renamed);
    api.publish("order.paid", json!(2));
    assert_eq!(receiver.wait_for(2)[1].header("authorization"), "Basic ZXZlOnMzY3IzdC13MHJk", "the mask kept it");

    let bearer = json!({"type": "bearer", "token": "t0k3n-s3cr3t"});
    let shown = api.patch(&path, &json!({"auth": bearer})).expect(200);
    assert_eq!(shown["auth"], json!({"type": "bearer", "token": "••••"}));
    server.terminate();
    for secret in ["s3cr3t-w0rd", "t0k3n-s3cr3t"] {
        assert!(!is_in_data(&server, secret), "{secret} lies in the data");
        assert!(!server.log().contains(secret));
    }
    server.restart();
    server.api().publish("order.paid", json!(3));
    assert_eq!(receiver.wait_for(3)[2].header("authorization"), "Bearer t0k3n-s3cr3t");
    server.api().patch(&path, &json!({"auth": null})).expect(200);
    server.api().publish("order.paid", json!(4));
    assert_eq!(receiver.wait_for(4)[3].header("authorization"), "");
}

#[test]
fn credentials_and_a_header_of_the_same_name_exclude_one_another() {
    let server = Server::start();
    let api = server.api();
    let auth = json!({"type": "bearer", "token": "x"});
    let header = json!({"Authorization": "Bearer y"});
    let id = |endpoint: &Value| format!("/endpoints/{}", text(&endpoint["id"]));
    let with_auth = id(&api.create_endpoint_with("https://example.com/", json!({"auth": auth})));
    let with_header = id(&api.create_endpoint_with("https://example.com/", json!({"headers": header})));
    for (path, fields) in [(&with_auth, json!({"headers": header})), (&with_header, json!({"auth": auth}))] {
        let problem = api.patch(path, &fields).expect_problem(422);
        assert_eq!(problem["errors"][0]["field"], "auth", "{problem}");
    }
    api.patch(&with_header, &json!({"headers": {}, "auth": auth})).expect(200);
    api.patch(&with_auth, &json!({"headers": header, "auth": null})).expect(200);
}
