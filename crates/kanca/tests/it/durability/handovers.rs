//! The server dies at each hand-over from acceptance to the receiver and back: as a request is read and its answer written,
//! as a receiver is connected to, asked, and its answer read. Commits lie between them (`syncs.rs` dies there), so every
//! job in memory is lost once at every stage of its way; and nothing that was acknowledged is.

use super::crashes::{counts, every_event_is_there_with_all_its_deliveries};
use super::journal::Journal;
use super::load::{Acknowledged, publish};
use super::shims::Shim;
use crate::support::{Receiver, Reply, eventually, text};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

/// The kinds of call, as the library counts them.
const CONNECT: i64 = 1;
const WRITE: i64 = 2;
const READ: i64 = 3;

/// Where the process ends: the kind of call, instead of it (0) or after it (1), and how many calls are done before.
type Moment = (i64, i64, i64);

/// The moments on one side: each kind at its first few calls.
fn moments(kinds: &[i64]) -> Vec<Moment> {
    let each = |kind: &i64| [0, 1].map(|moment| [0, 1, 2, 5].map(|left| (*kind, moment, left)));
    kinds.iter().flat_map(each).flatten().collect()
}

fn port(origin: &str) -> i64 {
    let address = origin.strip_prefix("http://").unwrap();
    address.split('/').next().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn a_kill_at_any_hand_over_loses_nothing_that_was_acknowledged() {
    let shim = Shim::new("handovers.c", "HANDOVER_CONTROL", 5);
    let mut server = shim.server();
    shim.set(4, i64::from(server.address().port()));
    // Each delivery connects anew, so that there is a connection to die at.
    let healthy = Receiver::answering(|_| Reply::ok().header("connection", "close"));
    let failing = Receiver::answering(|_| Reply::status(404));
    let fields =
        json!({"event_types": ["load.*"], "retry_schedule": [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 86400]});
    let endpoints =
        [&healthy, &failing].map(|r| text(&server.api().create_endpoint_with(&r.url(), fields.clone())["id"]));
    let (noted, mut journal) = (Mutex::new(Acknowledged::default()), Journal::default());
    let (mut n, mut deaths, mut died_at) = (0_u64, 0, HashSet::new());
    let sides = [
        (0, moments(&[READ, WRITE])),
        (port(&healthy.url()), moments(&[CONNECT, WRITE, READ])),
        (port(&failing.url()), moments(&[WRITE, READ])),
    ];
    for (port, moments) in sides {
        for (kind, moment, left) in moments {
            for (place, number) in [(3, port), (2, left), (1, moment), (0, kind)] {
                shim.set(place, number);
            }
            for _ in 0..12 {
                let ordering_key = n.is_multiple_of(4).then_some("k");
                match publish(&server.api(), &noted, "", n, ordering_key, 0) {
                    Some(200 | 202) => n += 1,
                    Some(status) => panic!("an event was answered with {status}"),
                    None => break,
                }
            }
            // The first call of each kind comes for certain, the sixth perhaps.
            let patience = if left == 0 { Duration::from_secs(10) } else { Duration::from_millis(300) };
            let died = !server.is_running_after(patience);
            shim.set(0, 0);
            if died {
                deaths += 1;
                died_at.insert((port, kind, moment));
            } else {
                server.kill_9();
            }
            journal.look(&server);
            server.restart();
            every_event_is_there_with_all_its_deliveries(&server, &noted.lock().unwrap(), &endpoints);
        }
    }
    println!("{deaths} deaths at a hand-over, {n} events");
    assert_eq!(died_at.len(), 14, "before and after each kind of call on each side: {died_at:?}");
    let noted = noted.into_inner().unwrap();
    journal.holds_what_is_plain(&noted);
    journal.holds_outcomes(&server, &endpoints);
    eventually("the healthy one has everything", Duration::from_secs(30), || {
        (counts(&server, &endpoints[0])["pending"] == 0).then_some(())
    });
    let counted = counts(&server, &endpoints[0]);
    let stored = server.api().all("/events?type=load.step").len() as u64;
    assert_eq!((counted["delivered"], counted["failed"], counted["cancelled"]), (stored, 0, 0));
    let mut arrived = HashMap::<String, usize>::new();
    for request in healthy.requests() {
        *arrived.entry(request.webhook_id().to_owned()).or_default() += 1;
    }
    for id in noted.ids() {
        assert!(arrived.contains_key(id), "{id} never arrived");
    }
    noted.each_is_there_once(&healthy.requests());
    let numbers = healthy.requests().iter().map(|r| r.json()["data"]["n"].as_u64().unwrap()).collect::<Vec<_>>();
    let first = |(at, n): (usize, &u64)| n.is_multiple_of(4) && !numbers[..at].contains(n);
    let keyed: Vec<_> = numbers.iter().enumerate().filter(|found| first(*found)).map(|(_, n)| *n).collect();
    assert!(keyed.is_sorted() && keyed.len() as u64 == numbers.iter().max().unwrap() / 4 + 1, "in order: {keyed:?}");
    assert!(arrived.keys().all(|id| server.api().get(&format!("/events/{id}")).status == 200), "sent and not stored");
    // Twice comes only what was under way when the process died.
    let twice: usize = arrived.values().map(|times| times - 1).sum();
    assert!(twice <= 16 * (deaths + 1), "{twice} duplicates after {deaths} deaths");
}
