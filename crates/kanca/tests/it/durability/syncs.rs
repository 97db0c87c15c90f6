//! What becomes of a sync to disk is the test's to say: it fails, or it is the last thing that the process does. Every
//! commit, and every hand-over between two commits, becomes a moment at which the server dies.

use super::crashes::{counts, every_event_is_there_with_all_its_deliveries};
use super::load::Acknowledged;
use super::shims::Shim;
use crate::support::{Api, Receiver, Reply, Server, eventually, text};
use serde_json::json;
use std::time::Duration;

/// What stands below the storage layer.
struct Syncs(Shim);

#[derive(Clone, Copy)]
enum Fate {
    AsUsual,
    /// With this number of an error.
    Fails(i64),
    /// The process is killed instead of the sync after so many others.
    KilledBefore(i64),
    /// The process is killed right after it.
    KilledAfter(i64),
}

impl Syncs {
    fn new() -> Self {
        Self(Shim::new("syncs.c", "SYNC_CONTROL", 2))
    }

    fn server(&self) -> Server {
        self.0.server()
    }

    fn shall(&self, fate: Fate) {
        let (what, left) = match fate {
            Fate::AsUsual => (0, 0),
            Fate::Fails(error) => (1, error),
            Fate::KilledBefore(left) => (2, left),
            Fate::KilledAfter(left) => (3, left),
        };
        self.0.set(1, left);
        self.0.set(0, what);
    }
}

/// Publishes the event of this number, if the server lives; the same number is the same event.
fn publish(api: &Api, n: usize) -> Option<(u16, String)> {
    let event = json!({"type": "load.step", "data": {"n": n}, "idempotency_key": n.to_string()}).to_string();
    let headers = [("content-type", "application/json")];
    let answer = api.try_send("POST", "/api/v1/events", &headers, Some(event.as_bytes())).ok()?;
    let id = if answer.status < 300 { text(&answer.json()["id"]) } else { String::new() };
    Some((answer.status, id))
}

#[test]
fn a_kill_at_any_sync_loses_nothing_that_was_acknowledged() {
    let syncs = Syncs::new();
    let mut server = syncs.server();
    let healthy = Receiver::start();
    let failing = Receiver::answering(|_| Reply::status(500));
    let types = json!({"event_types": ["load.*"]});
    let endpoints =
        [&healthy, &failing].map(|r| text(&server.api().create_endpoint_with(&r.url(), types.clone())["id"]));
    let mut noted = Acknowledged::default();
    let mut n = 0;
    for left in 0..12 {
        for fate in [Fate::KilledBefore(left), Fate::KilledAfter(left)] {
            syncs.shall(fate);
            // The load itself: each acceptance and each outcome is a commit, so a few events are enough.
            for _ in 0..40 {
                match publish(&server.api(), n) {
                    Some((200 | 202, id)) => {
                        noted.events.entry(String::new()).or_default().push(id);
                        n += 1;
                    }
                    Some((status, _)) => panic!("an event was answered with {status}"),
                    None => break,
                }
            }
            server.wait_for_exit();
            syncs.shall(Fate::AsUsual);
            server.restart();
        }
    }
    assert!(n > 20, "the load was no load: {n}");
    every_event_is_there_with_all_its_deliveries(&server, &noted, &endpoints);
    eventually("the healthy one has everything", Duration::from_secs(30), || {
        (counts(&server, &endpoints[0])["pending"] == 0).then_some(())
    });
    let arrived = healthy.requests();
    for id in noted.events.values().flatten() {
        assert!(arrived.iter().any(|request| request.webhook_id() == id), "{id} never arrived");
    }
    assert!(arrived.iter().all(|request| server.api().get(&format!("/events/{}", request.webhook_id())).status == 200));
}

#[test]
fn what_could_not_be_synced_is_not_acknowledged() {
    let syncs = Syncs::new();
    let mut server = syncs.server();
    let receiver = Receiver::start();
    let types = json!({"event_types": ["load.*"]});
    let endpoint = text(&server.api().create_endpoint_with(&receiver.url(), types)["id"]);
    let inbox = server.api().create_inbox(&json!({}));
    let (status, before) = publish(&server.api(), 0).unwrap();
    assert_eq!(status, 202);
    server.api().wait_for_delivery(&before, "delivered");

    let path = text(&inbox["url"]).replace(&server.origin(), "");
    let mut accepted = vec![before.clone()];
    let (io, no_space, no_quota) = (5, 28, 122);
    for error in [io, no_space, no_quota] {
        syncs.shall(Fate::Fails(error));
        let plain = json!({"type": "load.step", "data": {}});
        // The first goes to the journal; those after it are refused before they are tried, for the same reason.
        for _ in 0..4 {
            let refused = server.api().post("/events", &plain).expect_problem(503);
            let words = text(&refused["detail"]);
            let expected = if error == io { "cannot write to its disk" } else { "disk is full" };
            assert!(words.contains(expected), "{error}: {words}");
        }
        let (status, _) = publish(&server.api(), 1).unwrap();
        assert_eq!(status, 503, "an event with a key that is not on disk");
        let captured = server.api().send("POST", &path, &[], Some(b"x"));
        assert_eq!(captured.status, 503, "a request that is not on disk");
        assert!(server.api().get(&format!("/events/{before}")).status == 200, "reading goes on");

        syncs.shall(Fate::AsUsual);
        accepted.push(eventually("the disk works again, and so does the server", Duration::from_secs(20), || {
            publish(&server.api(), accepted.len() + 10).filter(|(status, _)| *status < 300).map(|(_, id)| id)
        }));
        server.api().wait_for_delivery(accepted.last().unwrap(), "delivered");
    }
    server.kill_9();
    server.restart();
    let stored: Vec<_> = server.api().all("/events?type=load.step").iter().map(|e| text(&e["id"])).collect();
    accepted.reverse();
    assert_eq!(stored, accepted, "what was refused is not there, what was acknowledged is");
    assert_eq!(counts(&server, &endpoint)["delivered"], 4);
    assert!(server.api().captured(&inbox).is_empty());
}
