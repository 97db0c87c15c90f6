//! Signatures of what arrives, checked with the inbox's own secret.

use crate::support::{Server, text};
use serde_json::json;
use standardwebhooks::Webhook;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

#[test]
fn valid_invalid_unsigned_and_unchecked_are_told_apart() {
    let server = Server::start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "box", "signing_secret": SECRET}));
    assert_eq!(inbox["has_signing_secret"], true);
    assert!(!inbox.to_string().contains("whsec_"));
    let state = |body: &[u8], signature: Option<&str>, age: i64| {
        let now = jiff_now() - age;
        let made = Webhook::new(SECRET).unwrap().sign("msg_1", now, b"{\"a\":1}").unwrap();
        let (now, signature) = (now.to_string(), signature.unwrap_or(&made).to_owned());
        let mut headers = vec![("webhook-id", "msg_1"), ("webhook-timestamp", now.as_str())];
        if !signature.is_empty() {
            headers.push(("webhook-signature", signature.as_str()));
        }
        assert_eq!(api.send("POST", "/in/box", &headers, Some(body)).status, 200);
        let newest = api.captured(&inbox).remove(0);
        (text(&newest["signature"]), newest["signature_detail"].clone())
    };
    assert_eq!(state(b"{\"a\":1}", None, 0).0, "valid");
    assert_eq!(state(b"{\"a\":2}", None, 0).0, "invalid");
    assert_eq!(state(b"{\"a\":1}", Some("v1,AAAA v2,BBBB"), 0).0, "invalid");
    let (old, why) = state(b"{\"a\":1}", None, 3_600);
    assert!(old == "invalid" && why.as_str().is_some_and(|w| !w.is_empty()), "{why}");
    api.send("POST", "/in/box", &[], Some(b"x"));
    assert_eq!(api.captured(&inbox)[0]["signature"], "unsigned");

    api.patch(&format!("/inboxes/{}", text(&inbox["id"])), &json!({"signing_secret": null})).expect(200);
    assert_eq!(state(b"{\"a\":1}", None, 0).0, "unchecked");
}

#[expect(clippy::disallowed_methods, reason = "a sender has a clock of its own")]
fn jiff_now() -> i64 {
    jiff::Timestamp::now().as_second()
}
