//! Who the client is behind a proxy: the address is believed only from those that the operator trusts.

use crate::support::{Bot, Server, echo};
use serde_json::json;

/// The address that an inbox notes for a request with this header.
#[track_caller]
fn noted(server: &Server, forwarded: &str) -> String {
    let slug = "who-are-you";
    let inboxes = server.api().all("/inboxes");
    let inbox = inboxes.into_iter().find(|i| i["slug"] == slug);
    let inbox = inbox.unwrap_or_else(|| server.api().create_inbox(&json!({"slug": slug})));
    let answer = server.api_as(None).send("POST", &format!("/in/{slug}"), &[("x-forwarded-for", forwarded)], Some(b""));
    assert_eq!(answer.status, 200);
    crate::support::text(&server.api().captured(&inbox)[0]["remote_addr"])
}

#[test]
fn nobody_is_believed_unless_trusted() {
    let server = Server::start();
    assert_eq!(noted(&server, "203.0.113.7"), "127.0.0.1");
}

#[test]
fn a_trusted_proxy_is_believed_about_the_nearest_stranger() {
    let server = Server::builder().env("KANCA_TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8").start();
    assert_eq!(noted(&server, "203.0.113.7"), "203.0.113.7");
    assert_eq!(noted(&server, "6.6.6.6, 203.0.113.7, 10.1.2.3"), "203.0.113.7", "what a client claims is left of it");
    assert_eq!(noted(&server, "2001:db8::1"), "2001:db8::1");
    assert_eq!(noted(&server, "nonsense"), "127.0.0.1");
    assert_eq!(noted(&server, "10.1.2.3"), "10.1.2.3");
}

#[test]
fn limits_count_the_client_and_not_the_proxy() {
    let server = Server::builder().env("KANCA_TRUSTED_PROXIES", "127.0.0.1/32").start();
    let bot = Bot::create(&server.api(), &echo());
    let start = |client: &str| {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", client)];
        let body = json!({"bot": bot.id}).to_string();
        server.api_as(None).send("POST", "/chat/v1/conversations", &headers, Some(body.as_bytes())).status
    };
    assert!((0..300).map(|_| start("203.0.113.7")).any(|status| status == 429));
    assert_eq!(start("203.0.113.8"), 201);
}

#[test]
fn without_a_trusted_proxy_a_client_cannot_escape_its_limits() {
    let server = Server::start();
    let bot = Bot::create(&server.api(), &echo());
    let refused = (0..300).any(|n| {
        let claimed = format!("203.0.113.{}", n % 250);
        let headers = [("content-type", "application/json"), ("x-forwarded-for", claimed.as_str())];
        let body = json!({"bot": bot.id}).to_string();
        server.api_as(None).send("POST", "/chat/v1/conversations", &headers, Some(body.as_bytes())).status == 429
    });
    assert!(refused);
}
