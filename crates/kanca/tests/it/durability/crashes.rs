//! The server is killed, or loses its power, at random moments under load, and nothing that it acknowledged is lost.

use super::journal::Journal;
use super::load::{Acknowledged, Load, is_plain};
use super::syncs::{End, Fate, Syncs, Which};
use crate::support::{Received, Receiver, Reply, Server, eventually, text};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

/// Keys that begin with a dash stand for events without an ordering key.
const KEYS: [&str; 6] = ["a", "b", "c", "d", "-1", "-2"];

/// A small generator (`SplitMix64`), so that a failure can be repeated from the printed seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn seed() -> u64 {
    let given = std::env::var("KANCA_TEST_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| u64::from(std::process::id()) * 1_000_003)
}

/// How a server dies, again and again.
struct Deaths<'a> {
    times: u32,
    /// Milliseconds of each life.
    lives: Range<u64>,
    /// Bytes of each event.
    bytes: usize,
    die: &'a dyn Fn(&mut Server),
}

#[test]
fn twenty_kills_lose_nothing_that_was_acknowledged() {
    let (noted, journal) =
        lose_nothing(Server::start(), &Deaths { times: 20, lives: 60..560, bytes: 0, die: &Server::kill_9 });
    journal.holds_what_is_plain(&noted);
}

/// Events are large, so that the journal goes on from file to file and the log is copied into the database.
#[test]
fn five_power_cuts_lose_nothing_that_was_acknowledged() {
    let syncs = Syncs::new();
    syncs.end_with(End::OfThePower);
    let cut = |server: &mut Server| {
        syncs.shall(Which::All, Fate::KilledBefore(0));
        server.wait_for_exit();
        syncs.shall(Which::All, Fate::AsUsual);
    };
    let (noted, journal) =
        lose_nothing(syncs.server(), &Deaths { times: 5, lives: 600..1_800, bytes: 60_000, die: &cut });
    println!("{} files of the journal were used", journal.files);
    assert!(journal.files > 1, "it never went on to another file");
    // A file that was written over is not seen any more.
    let seen = noted.plain_ids().filter(|id| journal.times(id) > 0).count();
    assert!(2 * seen > noted.plain_ids().count(), "only {seen} went through the journal");
}

fn lose_nothing(mut server: Server, deaths: &Deaths<'_>) -> (Acknowledged, Journal) {
    let seed = seed();
    println!("seed {seed} (KANCA_TEST_SEED repeats it)");
    let mut chance = Chance(seed);
    let (healthy, failing, slow) = (
        Receiver::start(),
        Receiver::answering(|_| Reply::status(500)),
        Receiver::answering(|_| Reply::ok().after(Duration::from_millis(30))),
    );
    let types = json!({"event_types": ["load.*"]});
    let endpoints =
        [&healthy, &failing, &slow].map(|r| text(&server.api().create_endpoint_with(&r.url(), types.clone())["id"]));
    let bot = text(&server.api().all("/bots")[0]["id"]);

    let load = Load::begin(&server.api(), &KEYS, deaths.bytes, &bot, 3);
    let mut journal = Journal::default();
    for _ in 0..deaths.times {
        let Range { start, end } = deaths.lives;
        std::thread::sleep(Duration::from_millis(start + chance.below(end - start)));
        (deaths.die)(&mut server);
        drop(load.silence());
        journal.look(&server);
        server.restart();
        let silence = load.silence();
        every_event_is_there_with_all_its_deliveries(&server, &load.noted.lock().unwrap(), &endpoints);
        drop(silence);
    }
    let noted = load.end();
    journal.look(&server);
    println!("{} events were acknowledged", noted.ids().count());
    assert!(noted.ids().count() > 100, "the load was no load");

    journal.holds_outcomes(&server, &endpoints);
    every_event_is_there_with_all_its_deliveries(&server, &noted, &endpoints);
    healthy_receivers_got_everything_in_order(&server, &noted, &endpoints, &[&healthy, &slow]);
    the_failing_one_lost_nothing(&server, &endpoints[1]);
    every_message_is_there_once(&server, &noted);
    (noted, journal)
}

pub(super) fn every_event_is_there_with_all_its_deliveries(
    server: &Server,
    noted: &Acknowledged,
    endpoints: &[String],
) {
    let stored = server.api().all("/events?type=load.step");
    let ids: HashSet<String> = stored.iter().map(|e| text(&e["id"])).collect();
    assert_eq!(ids.len(), stored.len());
    for id in noted.ids() {
        assert!(ids.contains(id), "the event {id} was acknowledged and is gone");
    }
    for event in &stored {
        let made: u64 = event["deliveries"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(made, endpoints.len() as u64, "{event}");
    }
    for endpoint in endpoints {
        let counted = counts(server, endpoint);
        assert_eq!(counted.values().sum::<u64>(), stored.len() as u64, "{counted:?}");
        for (status, n) in counted {
            let listed = server.api().deliveries(&format!("endpoint_id={endpoint}&status={status}")).len() as u64;
            // Deliveries go on meanwhile, so only the ends that are final now can be compared.
            assert!(listed >= n || status == "pending", "{status}: {listed} listed, {n} counted");
        }
    }
}

pub(super) fn counts(server: &Server, endpoint: &str) -> HashMap<String, u64> {
    let counts = server.api().get(&format!("/endpoints/{endpoint}")).expect(200)["counts"].clone();
    counts.as_object().unwrap().iter().map(|(status, n)| (status.clone(), n.as_u64().unwrap())).collect()
}

fn healthy_receivers_got_everything_in_order(
    server: &Server,
    noted: &Acknowledged,
    endpoints: &[String],
    receivers: &[&Receiver],
) {
    for (endpoint, receiver) in [&endpoints[0], &endpoints[2]].into_iter().zip(receivers) {
        eventually("everything is delivered", Duration::from_mins(1), || {
            (counts(server, endpoint)["pending"] == 0).then_some(())
        });
        let ended = counts(server, endpoint);
        let published = server.api().all("/events?type=load.step").len() as u64;
        assert_eq!((ended["delivered"], ended["failed"], ended["cancelled"]), (published, 0, 0));
        assert_eq!(
            server.api().deliveries(&format!("endpoint_id={endpoint}&status=delivered")).len() as u64,
            published
        );
        let requests = receiver.requests();
        let arrived: HashSet<&str> = requests.iter().map(Received::webhook_id).collect();
        for id in noted.ids() {
            assert!(arrived.contains(id), "{id} never arrived");
        }
        noted.each_is_there_once(&requests);
        let mut first_arrivals = HashMap::<String, Vec<u64>>::new();
        for received in &requests {
            let data = &received.json()["data"];
            let order = first_arrivals.entry(text(&data["key"])).or_default();
            let n = data["n"].as_u64().unwrap();
            if !is_plain(n) && !order.contains(&n) {
                order.push(n);
            }
        }
        for key in KEYS.iter().filter(|key| !key.starts_with('-')) {
            let order = &first_arrivals[*key];
            assert!(order.is_sorted(), "key {key} came out of order: {order:?}");
        }
    }
}

/// Its deliveries wait, one head for each key, none in limbo: brought to life it gets them all.
fn the_failing_one_lost_nothing(server: &Server, endpoint: &str) {
    let pending = server.api().deliveries(&format!("endpoint_id={endpoint}&status=pending"));
    assert_eq!(pending.len() as u64, counts(server, endpoint)["pending"]);
    let heads = pending.iter().filter(|d| d["held"] == false && d["ordering_key"] != Value::Null).count();
    assert_eq!(heads, 4, "each key has one head");
    for delivery in &pending {
        assert!(delivery["held"] == true || delivery["next_attempt_at"].is_string(), "{delivery}");
    }
}

fn every_message_is_there_once(server: &Server, noted: &Acknowledged) {
    for (id, (token, said)) in &noted.messages {
        let chat = server.api().with_key(token);
        let path = format!("/chat/v1/conversations/{id}/messages");
        let list = chat.all_messages(&path);
        let seqs: Vec<u64> = list.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
        assert!(seqs.is_sorted() && seqs.iter().collect::<HashSet<_>>().len() == seqs.len(), "{seqs:?}");
        for (seq, text) in said {
            let found: Vec<&Value> =
                list.iter().filter(|m| m["text"] == text.as_str() && m["from"] == "contact").collect();
            assert_eq!(found.len(), 1, "“{text}” in {id}");
            assert_eq!(found[0]["seq"], *seq);
        }
        let body = json!({"client_id": "the-last", "text": "still there?"});
        let seq = chat.post(&path, &body).expect(200)["seq"].as_u64().unwrap();
        eventually("the conversation goes on", Duration::from_secs(10), || {
            let answers = chat.get(&format!("{path}?after={seq}")).expect(200);
            answers["items"].as_array().unwrap().iter().any(|m| m["from"] == "bot").then_some(())
        });
    }
}
