//! One's own inbox always works; nothing else of Kanca can be reached that way.

use crate::support::{API_KEY, Server, eventually, text};
use serde_json::{Value, json};
use std::time::Duration;

fn wait_for_captured(server: &Server, inbox: &Value, count: usize) -> Vec<Value> {
    eventually("the inbox has captured it", Duration::from_secs(10), || {
        Some(server.api().captured(inbox)).filter(|all| all.len() >= count)
    })
}

#[test]
fn ones_own_inbox_can_be_an_endpoint_with_the_guard_closed() {
    let server = Server::builder().guard_closed().start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "my-inbox"}));
    let endpoint = api.create_endpoint(&format!("{}/shop?a=1", text(&inbox["url"])));
    assert_eq!(endpoint["inbox_id"], inbox["id"]);

    let event = api.publish("order.paid", json!({"total": 1.50}));

    let delivery = api.wait_for_delivery(&event, "delivered");
    let captured = &wait_for_captured(&server, &inbox, 1)[0];
    assert_eq!(captured["target"], "/in/my-inbox/shop?a=1");
    assert_eq!(captured["signature"], "valid", "its secret is tried by itself");
    let url = text(&delivery["attempts"][0]["request"]["url"]);
    assert_eq!(url, format!("{}/in/my-inbox/shop?a=1", server.origin()));
}

#[test]
fn such_an_endpoint_follows_its_inbox_to_another_slug_and_port() {
    let data = tempfile::TempDir::new().unwrap();
    let mut first = Server::builder().guard_closed().data_dir(data.path()).start();
    let inbox = first.api().create_inbox(&json!({"slug": "old-name"}));
    first.api().create_endpoint(&text(&inbox["url"]));
    first.api().patch(&format!("/inboxes/{}", text(&inbox["id"])), &json!({"slug": "new-name"})).expect(200);
    assert!(first.terminate().success());

    let moved = Server::builder().guard_closed().data_dir(data.path()).start();
    let event = moved.api().publish("order.paid", json!(1));
    moved.api().wait_for_delivery(&event, "delivered");
    assert_eq!(wait_for_captured(&moved, &inbox, 1)[0]["target"], "/in/new-name");
}

#[test]
fn sneaky_paths_never_reach_the_api() {
    let server = Server::builder().guard_closed().start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "victim"}));
    let authorization = format!("Bearer {API_KEY}");
    // Each of them is tried to publish an event of this type to the API by a delivery.
    for path in [
        "/api/v1/events",
        "/in/victim/../../api/v1/events",
        "/in/victim/%2e%2e/%2e%2e/api/v1/events",
        "/in/victim/.%2e/%2E./api/v1/events",
        "/in/victim/..%2f..%2fapi/v1/events",
        "/in/victim/..%5c..%5capi/v1/events",
        "/in/victim\\..\\..\\api\\v1\\events",
        "\\in\\victim\\a\\b/in/x/../../../api/v1/events",
        "/in\\victim/a/b/in/x/../../../api/v1/events",
        "/i\tn/victim/a/b/in/x/../../../api/v1/events",
        "/a/b/in/x/../../../../in/victim/../../api/v1/events",
        "/a/../in/victim/a/b/c/../../../d/in/../../api/v1/events",
        "/in/victim/%252e%252e/%252e%252e/api/v1/events",
        "/in/victim#/../../api/v1/events",
        "/in/victim?/../../api/v1/events",
        "/in/nobody/../victim/x",
        "/in/nobody",
        "//in/victim/../../api/v1/events",
        "/in/victim/../../../in/victim/../../api/v1/events",
    ] {
        let url = format!("{}{path}", server.origin());
        let input = json!({"name": "sneaky", "url": url, "event_types": ["probe"], "headers": {"authorization": authorization}});
        let made = api.post("/endpoints", &input);
        if made.status != 201 {
            made.expect_problem(422);
            continue;
        }
        let endpoint = made.json();
        // What the API would take as an event is what the delivery's body looks like.
        let event = api.publish("probe", json!({"from": path}));
        let delivery = eventually("an attempt was made", Duration::from_secs(10), || {
            let found = api.deliveries(&format!("event_id={event}"));
            let delivery = api.delivery(&text(&found[0]["id"]));
            (delivery["attempt_count"] != 0).then_some(delivery)
        });
        let attempt = &delivery["attempts"][0];
        let reached = text(&attempt["request"]["url"]);
        let captured = api.captured(&inbox).first().map(|r| text(&r["target"]));
        assert_eq!(delivery["status"], "delivered", "{path} went to {reached}: {attempt}");
        assert!(captured.is_some_and(|target| target.starts_with("/in/victim")), "{path} went to {reached}");
        api.delete(&format!("/endpoints/{}", text(&endpoint["id"]))).expect(204);
        api.delete(&format!("/inboxes/{}/requests", text(&inbox["id"]))).expect(204);
    }
    let probes = api.all("/events?type=probe");
    assert!(probes.iter().all(|e| e["deliveries"]["delivered"] == 1), "an event came from nowhere: {probes:?}");
}

#[test]
fn an_endpoint_at_a_deleted_inbox_is_disabled_and_gets_nothing_by_another_projects_inbox() {
    let server = Server::builder().guard_closed().start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "goes-away"}));
    let endpoint = api.create_endpoint(&text(&inbox["url"]));
    api.delete(&format!("/inboxes/{}", text(&inbox["id"]))).expect(204);

    let shown = api.get(&format!("/endpoints/{}", text(&endpoint["id"]))).expect(200);
    assert_eq!(shown["status"], "disabled");
    assert!(text(&shown["disabled_reason"]).contains("deleted"), "{shown}");
    let project = api.post("/projects", &json!({"name": "Other"})).expect(201);
    let other = server.api_as(Some(&text(&project["key"])));
    let taken = other.create_inbox(&json!({"slug": "goes-away"}));
    let event = api.publish("order.paid", json!(1));
    let explained = api.event(&event)["explanation"][0].clone();
    assert!(text(&explained["reason"]).contains("disabled"), "{explained}");
    let requests = other.get(&format!("/inboxes/{}/requests", text(&taken["id"]))).expect(200);
    assert_eq!(requests["items"], json!([]));
}
