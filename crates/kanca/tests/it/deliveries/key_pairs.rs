//! Signatures with a pair of keys, checked with a library that is not Kanca's own, and secrets that take turns.

use crate::support::{Api, Received, Receiver, Server, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

/// Whether one of the listed signatures is by the key.
fn verifies(public_key: &str, received: &Received) -> bool {
    let key = STANDARD.decode(public_key.strip_prefix("whpk_").unwrap()).unwrap();
    let (id, at) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", &received.body].concat();
    let listed = received.header("webhook-signature").split(' ').filter_map(|one| one.strip_prefix("v1a,"));
    let mut listed = listed.map(|one| STANDARD.decode(one).unwrap());
    listed.any(|one| UnparsedPublicKey::new(&ED25519, &key).verify(&signed, &one).is_ok())
}

fn verifies_shared(secret: &str, received: &Received) -> bool {
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, received.header(name).parse().unwrap());
    }
    Webhook::new(secret).unwrap().verify(&received.body, &headers).is_ok()
}

fn public_keys(api: &Api, id: &str) -> Vec<Value> {
    let answer = api.send("GET", &format!("/.well-known/webhook-keys/{id}"), &[], None);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    answer.expect(200)["keys"].as_array().unwrap().clone()
}

#[test]
fn a_pair_of_keys_signs_and_everybody_may_have_the_public_one() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let created = api.create_endpoint_with(&receiver.url(), json!({"signature": "v1a"}));
    assert_eq!(created["signature"], "v1a");
    assert!(text(&created["secret"]).starts_with("whsk_"));
    let (id, key) = (text(&created["id"]), text(&created["public_key"]));

    api.publish("order.paid", json!({"note": "a<b & “c”"}));
    let received = receiver.wait_for(1).remove(0);
    assert!(verifies(&key, &received));
    assert!(!received.header("webhook-signature").contains("v1,"));

    let nobody = server.api_as(None);
    let shown = json!({"public_key": key, "algorithm": "ed25519", "valid_until": null});
    assert_eq!(public_keys(&nobody, &id), [shown]);
    let shared = text(&api.create_endpoint(&receiver.url())["id"]);
    for unknown in [shared.as_str(), "ep_01938f00000070008000000000000000", "x"] {
        nobody.send("GET", &format!("/.well-known/webhook-keys/{unknown}"), &[], None).expect_problem(404);
    }
}

#[test]
fn a_key_of_ones_own_is_used_and_a_change_of_version_makes_a_new_secret() {
    let server = Server::start();
    let api = server.api();
    let own = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let created = api.create_endpoint_with("https://example.com/", json!({"secret": own}));
    assert_eq!((&created["signature"], &created["secret"]), (&json!("v1a"), &json!(own)));
    assert_eq!(created["public_key"], "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    let path = format!("/endpoints/{}", text(&created["id"]));
    let secret = || text(&api.get(&format!("{path}/secret")).expect(200)["secret"]);

    api.patch(&path, &json!({"signature": "v1a", "name": "same"})).expect(200);
    assert_eq!(secret(), own, "what is so already changes nothing");
    let changed = api.patch(&path, &json!({"signature": "v1"})).expect(200);
    assert_eq!((&changed["signature"], &changed["public_key"]), (&json!("v1"), &Value::Null));
    assert!(secret().starts_with("whsec_"));
}

#[test]
fn after_a_rotation_both_secrets_sign_and_the_new_one_comes_first() {
    let mut server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    let created = api.create_endpoint(&receiver.url());
    let (old, path) = (text(&created["secret"]), format!("/endpoints/{}", text(&created["id"])));
    let rotate = format!("{path}/secret/rotate");

    let rotated = api.post(&rotate, &json!({})).expect(200);
    let new = text(&rotated["secret"]);
    assert!(new.starts_with("whsec_") && new != old);
    let until: jiff::Timestamp = text(&rotated["previous_valid_until"]).parse().unwrap();
    let changed: jiff::Timestamp = text(&api.get(&path).expect(200)["updated_at"]).parse().unwrap();
    assert_eq!(until.duration_since(changed).as_secs(), 86_400, "a day unless said otherwise");
    server.terminate();
    server.restart();

    let api = server.api();
    assert_eq!(api.get(&path).expect(200)["previous_valid_until"], rotated["previous_valid_until"]);
    api.publish("order.paid", json!(1));
    let received = receiver.wait_for(1).remove(0);
    assert!(verifies_shared(&new, &received) && verifies_shared(&old, &received));
    let listed: Vec<_> = received.header("webhook-signature").split(' ').collect();
    assert_eq!(listed.len(), 2);
    let (id, at) = (received.webhook_id(), received.header("webhook-timestamp").parse().unwrap());
    assert_eq!(listed[0], Webhook::new(&new).unwrap().sign(id, at, &received.body).unwrap());

    // From a shared secret to a pair of keys: receivers change when they like.
    let key = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    api.post(&rotate, &json!({"secret": key, "overlap_seconds": 604_800})).expect(200);
    api.publish("order.paid", json!(2));
    let received = receiver.wait_for(2).remove(1);
    assert!(verifies("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", &received));
    assert!(verifies_shared(&new, &received) && verifies_shared(&old, &received));

    let ended = api.post(&rotate, &json!({"overlap_seconds": 0})).expect(200);
    assert_eq!(ended["previous_valid_until"], Value::Null);
    assert!(text(&ended["secret"]).starts_with("whsk_"), "of the kind that it was");
    api.publish("order.paid", json!(3));
    let received = receiver.wait_for(3).remove(2);
    assert!(!received.header("webhook-signature").contains(' '), "one signature only");
}

#[test]
fn an_inbox_checks_both_versions_and_secrets_that_take_turns() {
    let server = Server::start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "box"}));
    let endpoint = api.create_endpoint_with(&text(&inbox["url"]), json!({"signature": "v1a"}));
    let event = api.publish("order.paid", json!(1));
    api.wait_for_delivery(&event, "delivered");
    assert_eq!(api.newest_captured(&inbox)["signature"], "valid");
    let rotate = format!("/endpoints/{}/secret/rotate", text(&endpoint["id"]));
    api.send("POST", &format!("/api/v1{rotate}"), &[], None).expect(200);
    api.post(&rotate, &json!({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})).expect(200);
    let event = api.publish("order.paid", json!(2));
    api.wait_for_delivery(&event, "delivered");
    assert_eq!(api.newest_captured(&inbox)["signature"], "valid");
    assert_eq!(api.captured(&inbox).len(), 2);
}

#[test]
fn an_inbox_checks_another_programs_signatures_with_its_public_key() {
    let server = Server::start();
    let api = server.api();
    let elsewhere = Server::start();
    let sender = elsewhere.api();
    let inbox = api.create_inbox(&json!({"slug": "box"}));
    let endpoint = sender.create_endpoint_with(&text(&inbox["url"]), json!({"signature": "v1a"}));
    let path = format!("/inboxes/{}", text(&inbox["id"]));
    api.patch(&path, &json!({"signing_secret": endpoint["public_key"]})).expect(200);
    let event = sender.publish("order.paid", json!(1));
    sender.wait_for_delivery(&event, "delivered");
    assert_eq!(api.newest_captured(&inbox)["signature"], "valid");
    let problem = api.patch(&path, &json!({"signing_secret": endpoint["secret"]})).expect_problem(422);
    assert_eq!(problem["errors"][0]["field"], "signing_secret", "a private key is for who signs");
}
