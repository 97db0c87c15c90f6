//! Lists of events and deliveries: filters, pages, counts.

use crate::support::{Receiver, Reply, Server, eventually, text};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| text(&item["id"])).collect()
}

#[test]
fn deliveries_are_filtered_by_event_endpoint_and_status() {
    let server = Server::start();
    let api = server.api();
    let healthy = Receiver::start();
    let failing = Receiver::answering(|_| Reply::status(500));
    let one = text(&api.create_endpoint_with(&healthy.url(), json!({"name": "healthy"}))["id"]);
    let two = text(&api.create_endpoint_with(&failing.url(), json!({"name": "failing"}))["id"]);
    let events: Vec<String> = (0..3).map(|n| api.publish("order.paid", json!(n))).collect();
    let counted = |endpoint: &str| api.get(&format!("/endpoints/{endpoint}")).expect(200)["counts"].clone();
    eventually("all healthy ones are delivered", Duration::from_secs(10), || {
        (counted(&one)["delivered"] == 3).then_some(())
    });
    failing.wait_for(3);

    assert_eq!(api.deliveries(&format!("event_id={}", events[1])).len(), 2);
    let of_one = api.deliveries(&format!("endpoint_id={one}"));
    assert_eq!(of_one.len(), 3);
    assert!(of_one.iter().all(|d| d["endpoint_name"] == "healthy" && d["status"] == "delivered"));
    let pending = api.deliveries("status=pending");
    assert!(pending.len() == 3 && pending.iter().all(|d| d["endpoint_id"] == two.as_str()), "{pending:?}");
    assert_eq!(api.deliveries(&format!("endpoint_id={two}&status=delivered")).len(), 0);
    assert_eq!(api.deliveries(&format!("event_id={}&endpoint_id={two}", events[0])).len(), 1);
    assert_eq!(counted(&two), json!({"pending": 3, "delivered": 0, "failed": 0, "cancelled": 0}));
    let event = api.event(&events[0]);
    assert_eq!(event["deliveries"], json!({"pending": 1, "delivered": 1, "failed": 0, "cancelled": 0}));
}

#[test]
fn pages_show_everything_once_newest_first() {
    let server = Server::start();
    let api = server.api();
    let receiver = Receiver::start();
    api.create_endpoint(&receiver.url());
    let published: Vec<String> = (0..25).map(|n| api.publish("order.paid", json!(n))).collect();
    receiver.wait_for(25);

    for path in ["/events?type=order.paid", "/deliveries?status=delivered"] {
        eventually("everything is delivered", Duration::from_secs(5), || (api.all(path).len() == 25).then_some(()));
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = api.get(&format!("{path}&limit=10{cursor}")).expect(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 10);
            seen.extend(ids(items));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 25, "{path}");
        let mut newest_first = seen.clone();
        newest_first.sort_by(|a, b| b.cmp(a));
        assert_eq!(seen, newest_first);
    }
    let newest_first: Vec<String> = published.into_iter().rev().collect();
    assert_eq!(ids(&api.all("/events?type=order.paid")), newest_first);
}

#[test]
fn wrong_queries_are_refused() {
    let server = Server::start();
    for query in [
        "/deliveries?status=lost",
        "/deliveries?event_id=ep_1",
        "/deliveries?endpoint_id=x",
        "/deliveries?limit=0",
        "/deliveries?limit=201",
        "/deliveries?limit=ten",
        "/deliveries?cursor=first",
        "/deliveries?colour=red",
        "/events?type=a..b",
        "/events?types=a",
        "/events?limit=1&limit=2",
        "/endpoints?status=active",
        "/inboxes?limit=-1",
        "/events/evt_0?x=1",
        "/events?limit=%zz",
    ] {
        let status = server.api().get(query).status;
        assert!((400..500).contains(&status), "{query} gave {status}");
        server.api().get(query).expect_problem(status);
    }
}
