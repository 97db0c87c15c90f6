//! A program that publishes and chats without end, and notes what was acknowledged.

use crate::support::{Api, Received, text};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// Events that one program has numbered: each number is one event to it.
#[derive(Default)]
pub struct Numbered {
    /// How often it was sent: without a key, an answer that was lost may leave the event there and it is sent once more.
    pub sent: usize,
    /// The id that was acknowledged.
    pub id: Option<String>,
}

/// What the server has acknowledged.
#[derive(Default)]
pub struct Acknowledged {
    /// Events by who published them, and by number.
    pub events: BTreeMap<(String, u64), Numbered>,
    /// By conversation: its token, and sequence number and text of each message.
    pub messages: BTreeMap<String, (String, Vec<(u64, String)>)>,
}

impl Acknowledged {
    /// The ids of all events.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.events.values().filter_map(|event| event.id.as_deref())
    }

    /// The ids of those that go through the journal.
    pub fn plain_ids(&self) -> impl Iterator<Item = &str> {
        let plain = self.events.iter().filter(|((_, n), _)| is_plain(*n));
        plain.filter_map(|(_, event)| event.id.as_deref())
    }

    /// No number is there twice under two ids, save that one without a key may be there once for each time it was sent;
    /// told by what arrived at a receiver of everything.
    #[track_caller]
    pub fn each_is_there_once(&self, arrived: &[Received]) {
        let mut ids = BTreeMap::<(String, u64), HashSet<&str>>::new();
        for request in arrived {
            let data = &request.json()["data"];
            let number = (text(&data["key"]), data["n"].as_u64().unwrap());
            ids.entry(number).or_default().insert(request.webhook_id());
        }
        for (number, ids) in ids {
            let known = &self.events[&number];
            let most = if is_plain(number.1) { known.sent } else { 1 };
            assert!(ids.len() <= most, "{number:?} was sent {} times and is there as {ids:?}", known.sent);
            assert!(known.id.as_deref().is_none_or(|id| ids.contains(id)), "{number:?}: {:?} never arrived", known.id);
        }
    }
}

/// Every second event comes without any key: such events, and their outcomes, go through the journal.
pub fn is_plain(n: u64) -> bool {
    !n.is_multiple_of(2)
}

/// Publishes the event of this number, with so many bytes more, and notes what became of it; `None` when there was no answer.
pub fn publish(
    api: &Api,
    noted: &Mutex<Acknowledged>,
    key: &str,
    n: u64,
    ordering_key: Option<&str>,
    bytes: usize,
) -> Option<u16> {
    let mut event = json!({"type": "load.step", "data": {"key": key, "n": n, "more": "x".repeat(bytes)}});
    if !is_plain(n) {
        // Makes the second try of a lost answer safe.
        event["idempotency_key"] = json!(format!("{key}-{n}"));
        event["ordering_key"] = json!(ordering_key);
    }
    let number = (key.to_owned(), n);
    noted.lock().unwrap().events.entry(number.clone()).or_default().sent += 1;
    let headers = [("content-type", "application/json")];
    let answer = api.try_send("POST", "/api/v1/events", &headers, Some(event.to_string().as_bytes())).ok()?;
    if matches!(answer.status, 200 | 202) {
        let id = Some(text(&answer.json()["id"]));
        noted.lock().unwrap().events.entry(number).or_default().id = id;
    }
    Some(answer.status)
}

/// Threads that work until they are told to stop.
pub struct Load {
    pub noted: Arc<Mutex<Acknowledged>>,
    /// Each step holds it with the others; whoever holds it alone has silence.
    gate: Arc<RwLock<()>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// One thread for each ordering key (those that begin with a dash use none), with events of so many bytes, and one for
    /// each of `chats` conversations with `bot`.
    pub fn begin(api: &Api, keys: &[&str], bytes: usize, bot: &str, chats: usize) -> Self {
        let mut load = Self { noted: Arc::default(), gate: Arc::default(), stop: Arc::default(), threads: Vec::new() };
        for key in keys {
            let key = (*key).to_owned();
            load.spawn(api, move |api, noted, n| publish_steadily(api, noted, &key, n, bytes));
        }
        for _ in 0..chats {
            let bot = bot.to_owned();
            let mut conversation = None;
            load.spawn(api, move |api, noted, n| chat(api, noted, &bot, &mut conversation, n));
        }
        load
    }

    fn spawn(&mut self, api: &Api, mut step: impl FnMut(&Api, &Mutex<Acknowledged>, u64) -> bool + Send + 'static) {
        let (api, noted) = (api.clone(), self.noted.clone());
        let (gate, stop) = (self.gate.clone(), self.stop.clone());
        self.threads.push(std::thread::spawn(move || {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                let under_way = gate.read().unwrap();
                let done = step(&api, &noted, n);
                drop(under_way);
                // While the server is down there is no answer; the same step is tried again.
                if done {
                    n += 1;
                } else {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }));
    }

    /// Holds it between two steps, with every answer noted that came.
    pub fn silence(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap()
    }

    /// Ends it; whatever is not acknowledged by now is nobody's promise.
    pub fn end(self) -> Acknowledged {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|t| t.join().unwrap());
        std::mem::take(&mut self.noted.lock().unwrap())
    }
}

/// One more event of a steady program, so that what is behind at the end is delivered in a few seconds.
fn publish_steadily(api: &Api, noted: &Mutex<Acknowledged>, key: &str, n: u64, bytes: usize) -> bool {
    std::thread::sleep(Duration::from_millis(20));
    match publish(api, noted, key, n, (!key.starts_with('-')).then_some(key), bytes) {
        Some(200 | 202) => true,
        Some(status) => panic!("an event was answered with {status}"),
        None => false,
    }
}

/// Says one thing in a conversation, which is started first.
fn chat(api: &Api, noted: &Mutex<Acknowledged>, bot: &str, open: &mut Option<(String, String)>, n: u64) -> bool {
    let headers = [("content-type", "application/json")];
    let Some((id, token)) = open else {
        let body = json!({"bot": bot}).to_string();
        if let Ok(answer) = api.try_send("POST", "/chat/v1/conversations", &headers, Some(body.as_bytes())) {
            let started = answer.expect(201);
            let (id, token) = (text(&started["id"]), text(&started["token"]));
            noted.lock().unwrap().messages.insert(id.clone(), (token.clone(), Vec::new()));
            *open = Some((id, token));
        }
        return false;
    };
    std::thread::sleep(Duration::from_millis(120));
    let said = format!("message {n}");
    let body = json!({"client_id": format!("client-{n}"), "text": said}).to_string();
    let path = format!("/chat/v1/conversations/{id}/messages");
    let chat = api.with_key(token);
    match chat.try_send("POST", &path, &headers, Some(body.as_bytes())) {
        Ok(answer) if answer.status == 429 => false,
        Ok(answer) => {
            let seq = answer.expect(200)["seq"].as_u64().unwrap();
            noted.lock().unwrap().messages.get_mut(id).unwrap().1.push((seq, said));
            true
        }
        Err(_) => false,
    }
}
