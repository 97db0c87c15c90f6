//! How much an inbox keeps, and that it is kept.

use crate::support::{Server, text};
use serde_json::json;

#[test]
fn the_newest_requests_are_kept_and_the_oldest_go() {
    let server = Server::builder().env("KANCA_INBOX_KEEP_REQUESTS", "20").start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "ring"}));
    let other = api.create_inbox(&json!({"slug": "other"}));
    api.send("POST", "/in/other", &[], None);
    for n in 0..50 {
        api.send("POST", &format!("/in/ring/{n}"), &[], Some(b"x"));
    }
    let targets: Vec<String> = api.captured(&inbox).iter().map(|r| text(&r["target"])).collect();
    assert_eq!(targets, (30..50).rev().map(|n| format!("/in/ring/{n}")).collect::<Vec<_>>());
    assert_eq!(api.get(&format!("/inboxes/{}", text(&inbox["id"]))).expect(200)["request_count"], 20);
    assert_eq!(api.captured(&other).len(), 1, "other inboxes lose nothing");
}

#[test]
fn an_inbox_keeps_at_most_so_many_bytes() {
    let server = Server::builder().env("KANCA_INBOX_KEEP_BYTES", "1000000").start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "ring"}));
    for n in 0..10 {
        api.send("POST", &format!("/in/ring/{n}"), &[], Some(&"x".repeat(300_000).into_bytes())).expect(200);
    }
    let targets: Vec<String> = api.captured(&inbox).iter().map(|r| text(&r["target"])).collect();
    assert_eq!(targets, ["/in/ring/9", "/in/ring/8", "/in/ring/7"]);
}

#[test]
fn what_was_captured_survives_a_crash() {
    let mut server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box", "response": {"status": 201, "body": "ok"}}));
    for n in 0..20 {
        server
            .api()
            .send("POST", &format!("/in/box/{n}"), &[("x-n", &n.to_string())], Some(b"\x00body"))
            .expect_text(201);
    }
    let before = (server.api().captured(&inbox), server.api().newest_captured(&inbox));
    server.kill_9();
    server.restart();
    assert_eq!((server.api().captured(&inbox), server.api().newest_captured(&inbox)), before);
    assert_eq!(server.api().send("POST", "/in/box", &[], None).text(), "ok");
}

#[test]
fn requests_can_be_deleted_one_by_one_and_all() {
    let server = Server::start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "box"}));
    let path = format!("/inboxes/{}/requests", text(&inbox["id"]));
    for _ in 0..3 {
        api.send("POST", "/in/box", &[], Some(b"x"));
    }
    let one = format!("{path}/{}", text(&api.captured(&inbox)[1]["id"]));
    api.delete(&one).expect(204);
    api.get(&one).expect_problem(404);
    assert_eq!(api.captured(&inbox).len(), 2);
    api.delete(&path).expect(204);
    assert!(api.captured(&inbox).is_empty());
    assert_eq!(api.get(&format!("/inboxes/{}", text(&inbox["id"]))).expect(200)["request_count"], 0);
}

#[test]
fn a_flood_of_one_inbox_is_slowed_down_and_another_works() {
    let server = Server::start();
    let api = server.api();
    api.create_inbox(&json!({"slug": "flooded"}));
    api.create_inbox(&json!({"slug": "quiet"}));
    let refused = std::thread::scope(|scope| {
        let flood = |_| {
            let api = server.api_as(None);
            scope.spawn(move || (0..90).map(|_| api.send("POST", "/in/flooded", &[], None)).find(|a| a.status != 200))
        };
        let floods: Vec<_> = (0..32).map(flood).collect();
        floods.into_iter().find_map(|f| f.join().unwrap())
    });
    let refused = refused.expect("2,880 at once are too many");
    refused.expect_problem(429);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(api.send("POST", "/in/quiet", &[], None).status, 200);
}
