//! What becomes of a sync to disk is the test's to say: it fails, or it is the last thing that the process does. Every
//! commit, and every hand-over between two commits, becomes a moment at which the server dies.

use super::crashes::{counts, every_event_is_there_with_all_its_deliveries};
use super::journal::Journal;
use super::load::{Acknowledged, is_plain, publish};
use super::shims::Shim;
use crate::support::{Receiver, Reply, Server, eventually, text};
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

/// What stands below the storage layer.
pub(super) struct Syncs(Shim);

/// Which syncs it happens to.
#[derive(Clone, Copy)]
pub(super) enum Which {
    All,
    OfTheJournal,
}

/// What ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    OfTheProcess,
    OfThePower,
}

#[derive(Clone, Copy)]
pub(super) enum Fate {
    AsUsual,
    /// With this number of an error.
    Fails(i64),
    /// The process is killed instead of the sync after so many others.
    KilledBefore(i64),
    /// The process is killed right after it.
    KilledAfter(i64),
}

impl Syncs {
    pub(super) fn new() -> Self {
        Self(Shim::new("syncs.c", "SYNC_CONTROL", 5))
    }

    pub(super) fn server(&self) -> Server {
        self.0.server()
    }

    /// How many syncs of the journal were asked for.
    fn of_the_journal(&self) -> i64 {
        self.0.number(3)
    }

    /// Whether the end of the process is one of the power, which takes along what was written and not synced.
    pub(super) fn end_with(&self, end: End) {
        self.0.set(4, i64::from(matches!(end, End::OfThePower)));
    }

    pub(super) fn shall(&self, which: Which, fate: Fate) {
        let (what, left) = match fate {
            Fate::AsUsual => (0, 0),
            Fate::Fails(error) => (1, error),
            Fate::KilledBefore(left) => (2, left),
            Fate::KilledAfter(left) => (3, left),
        };
        for (place, number) in [(2, i64::from(matches!(which, Which::OfTheJournal))), (1, left), (0, what)] {
            self.0.set(place, number);
        }
    }
}

#[test]
fn a_kill_at_any_sync_loses_nothing_that_was_acknowledged() {
    an_end_loses_nothing(Which::All, End::OfTheProcess);
}

#[test]
fn a_kill_at_any_sync_of_the_journal_loses_nothing_that_was_acknowledged() {
    an_end_loses_nothing(Which::OfTheJournal, End::OfTheProcess);
}

#[test]
fn a_power_cut_at_any_sync_loses_nothing_that_was_acknowledged() {
    an_end_loses_nothing(Which::All, End::OfThePower);
}

#[test]
fn a_power_cut_at_any_sync_of_the_journal_loses_nothing_that_was_acknowledged() {
    an_end_loses_nothing(Which::OfTheJournal, End::OfThePower);
}

fn an_end_loses_nothing(which: Which, end: End) {
    let syncs = Syncs::new();
    syncs.end_with(end);
    let mut server = syncs.server();
    let healthy = Receiver::start();
    let failing = Receiver::answering(|_| Reply::status(500));
    let types = json!({"event_types": ["load.*"]});
    let endpoints =
        [&healthy, &failing].map(|r| text(&server.api().create_endpoint_with(&r.url(), types.clone())["id"]));
    let noted = Mutex::new(Acknowledged::default());
    let (mut n, mut journal) = (0, Journal::default());
    for left in 0..12 {
        for fate in [Fate::KilledBefore(left), Fate::KilledAfter(left)] {
            let before = syncs.of_the_journal();
            syncs.shall(which, fate);
            // The load itself: each acceptance and each outcome is a commit, so a few events are enough.
            for _ in 0..40 {
                match publish(&server.api(), &noted, "", n, None, 0) {
                    Some(200 | 202) => n += 1,
                    Some(status) => panic!("an event was answered with {status}"),
                    None => break,
                }
            }
            server.wait_for_exit();
            if matches!(which, Which::OfTheJournal) {
                assert_eq!(syncs.of_the_journal() - before, left + 1, "it died at this sync of the journal");
            }
            journal.look(&server);
            syncs.shall(Which::All, Fate::AsUsual);
            server.restart();
            every_event_is_there_with_all_its_deliveries(&server, &noted.lock().unwrap(), &endpoints);
        }
    }
    assert!(n > 20, "the load was no load: {n}");
    let noted = noted.into_inner().unwrap();
    journal.holds_what_is_plain(&noted);
    journal.holds_outcomes(&server, &endpoints);
    eventually("the healthy one has everything", Duration::from_secs(30), || {
        (counts(&server, &endpoints[0])["pending"] == 0).then_some(())
    });
    let arrived = healthy.requests();
    for id in noted.ids() {
        assert!(arrived.iter().any(|request| request.webhook_id() == id), "{id} never arrived");
    }
    noted.each_is_there_once(&arrived);
    assert!(arrived.iter().all(|request| server.api().get(&format!("/events/{}", request.webhook_id())).status == 200));
}

#[test]
fn what_could_not_be_synced_is_not_acknowledged() {
    a_failing_sync_acknowledges_nothing(Which::All);
}

#[test]
fn what_the_journal_could_not_sync_is_not_acknowledged() {
    a_failing_sync_acknowledges_nothing(Which::OfTheJournal);
}

fn a_failing_sync_acknowledges_nothing(which: Which) {
    let syncs = Syncs::new();
    let mut server = syncs.server();
    let receiver = Receiver::start();
    let types = json!({"event_types": ["load.*"]});
    let endpoint = text(&server.api().create_endpoint_with(&receiver.url(), types)["id"]);
    let inbox = server.api().create_inbox(&json!({}));
    let (noted, mut journal) = (Mutex::new(Acknowledged::default()), Journal::default());
    let id_of = |n: u64| noted.lock().unwrap().events[&(String::new(), n)].id.clone();
    for n in [0, 1] {
        assert_eq!(publish(&server.api(), &noted, "", n, None, 0), Some(202));
        server.api().wait_for_delivery(&id_of(n).unwrap(), "delivered");
    }
    // One more is on its way to its receiver when the disk begins to fail.
    receiver.answer_with(|_| Reply::ok().after(Duration::from_millis(500)));
    assert_eq!(publish(&server.api(), &noted, "", 3, None, 0), Some(202));
    receiver.wait_for(3);

    let before = syncs.of_the_journal();
    syncs.shall(which, Fate::Fails(IO));
    for n in 5..10 {
        // With the journal's syncs alone, an event with a key may find its place in the tables.
        let status = publish(&server.api(), &noted, "", n, None, 0);
        let may_be_there = matches!(which, Which::OfTheJournal) && !is_plain(n);
        assert!(status == Some(503) || may_be_there, "{n} is not on disk and was answered with {status:?}");
    }
    assert!(syncs.of_the_journal() > before, "the journal was not asked to sync");
    if matches!(which, Which::All) {
        let path = text(&inbox["url"]).replace(&server.origin(), "");
        server.api().send("POST", &path, &[], Some(b"x")).expect_problem(503);
    }
    assert!(server.api().get(&format!("/events/{}", id_of(0).unwrap())).status == 200, "reading goes on");

    receiver.answer_with(|_| Reply::ok());
    syncs.shall(Which::All, Fate::AsUsual);
    for n in [11, 12] {
        eventually("the disk works again, and so does the server", Duration::from_secs(20), || {
            (publish(&server.api(), &noted, "", n, None, 0)? < 300).then_some(())
        });
    }
    journal.look(&server);
    server.kill_9();
    server.restart();
    let mut stored: Vec<_> = server.api().all("/events?type=load.step").iter().map(|e| text(&e["id"])).collect();
    stored.sort_unstable();
    let noted = noted.lock().unwrap();
    let mut acknowledged: Vec<_> = noted.ids().map(str::to_owned).collect();
    acknowledged.sort_unstable();
    assert_eq!(stored, acknowledged, "what was refused is not there, what was acknowledged is");
    assert!(noted.plain_ids().all(|id| journal.times(id) == 1), "they went through the journal");
    for id in &acknowledged {
        server.api().wait_for_delivery(id, "delivered");
    }
    assert_eq!(counts(&server, &endpoint)["delivered"], acknowledged.len() as u64);
    noted.each_is_there_once(&receiver.requests());
    assert!(server.api().captured(&inbox).is_empty());
}

/// Numbers of errors: the disk is broken, it is full, the user's part of it is.
const IO: i64 = 5;
const NO_SPACE: i64 = 28;
const NO_QUOTA: i64 = 122;

#[test]
fn what_is_wrong_with_the_disk_is_said() {
    let syncs = Syncs::new();
    let server = syncs.server();
    for error in [IO, NO_SPACE, NO_QUOTA] {
        let plain = json!({"type": "load.step", "data": {}});
        eventually("the disk works", Duration::from_secs(20), || {
            (server.api().post("/events", &plain).status == 202).then_some(())
        });
        syncs.shall(Which::All, Fate::Fails(error));
        // The first goes to the journal; those after it are refused before they are tried, for the same reason.
        for _ in 0..4 {
            let refused = server.api().post("/events", &plain).expect_problem(503);
            let words = text(&refused["detail"]);
            let expected = if error == IO { "cannot write to its disk" } else { "disk is full" };
            assert!(words.contains(expected), "{error}: {words}");
        }
        syncs.shall(Which::All, Fate::AsUsual);
    }
}
