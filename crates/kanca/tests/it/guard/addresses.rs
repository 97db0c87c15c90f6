//! Private addresses are refused by the bare binary, in whatever spelling.

use crate::support::{Receiver, Server, text};
use serde_json::json;

#[test]
fn private_addresses_are_refused_at_creation_with_a_reason() {
    let server = Server::builder().guard_closed().start();
    let port = server.address().port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "x.localhost",
        "printer.local",
        "metadata.google.internal",
        "router.home.arpa",
        "%6c%6fcalhost",
        "１２７.0.0.1",
        "ⓛocalhost",
        "255.255.255.255",
        "224.0.0.1",
    ] {
        let url = format!("http://{host}:{port}/hook");
        let problem = server.api().post("/endpoints", &json!({"name": "x", "url": url})).expect_problem(422);
        assert_eq!(problem["errors"][0]["field"], "url", "{url}: {problem}");
        let reason = text(&problem["errors"][0]["message"]);
        assert!(reason.len() > 20, "{url}: {reason}");
    }
    assert_eq!(server.api().all("/endpoints").iter().filter(|e| e["name"] == "x").count(), 0);
}

#[test]
fn other_urls_that_are_none_of_a_webhooks_are_refused_too() {
    let server = Server::start();
    for url in [
        "",
        "example.com/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http://user:secret@example.com/",
        "http://user@example.com/",
        "http://example.com:0/",
        "http://exa mple.com/",
        "http://example.com:99999/",
        "gopher://127.0.0.1/",
    ] {
        let problem = server.api().post("/endpoints", &json!({"name": "x", "url": url})).expect_problem(422);
        assert_eq!(problem["errors"][0]["field"], "url", "{url}: {problem}");
    }
    let long = format!("https://example.com/{}", "a".repeat(4_000));
    server.api().post("/endpoints", &json!({"name": "x", "url": long})).expect_problem(422);
}

#[test]
fn a_public_looking_name_is_accepted_though_it_does_not_resolve() {
    let server = Server::builder().guard_closed().start();
    let endpoint = server.api().create_endpoint("https://hooks.does-not-exist.example/in");
    assert_eq!(endpoint["status"], "active");
}

#[test]
fn a_change_of_the_url_is_checked_as_well() {
    let server = Server::builder().guard_closed().start();
    let endpoint = server.api().create_endpoint("https://hooks.does-not-exist.example/");
    let path = format!("/endpoints/{}", text(&endpoint["id"]));
    server.api().patch(&path, &json!({"url": "http://127.0.0.1:1/"})).expect_problem(422);
    assert_eq!(server.api().get(&path).expect(200)["url"], endpoint["url"]);
}

#[test]
fn an_endpoint_from_before_the_guard_was_closed_is_stopped_when_connecting() {
    let data = tempfile::TempDir::new().unwrap();
    let receiver = Receiver::start();
    let mut open = Server::builder().data_dir(data.path()).start();
    open.api().create_endpoint(&receiver.url());
    assert!(open.terminate().success());

    let closed = Server::builder().guard_closed().data_dir(data.path()).start();
    let event = closed.api().publish("order.paid", json!(1));
    let delivery = crate::support::eventually("the attempt is recorded", std::time::Duration::from_secs(10), || {
        let delivery = closed.api().wait_for_delivery(&event, "pending");
        (delivery["attempt_count"] == 1).then_some(delivery)
    });
    assert_eq!(delivery["attempts"][0]["reason_code"], "blocked_address", "{delivery}");
    assert!(receiver.requests().is_empty());
}
