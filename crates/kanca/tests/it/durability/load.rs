//! A program that publishes and chats without end, and notes what was acknowledged.

use crate::support::{Api, text};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the server has acknowledged.
#[derive(Default)]
pub struct Acknowledged {
    /// Event ids by ordering key, in the order of the answers; the key is empty for events without one.
    pub events: BTreeMap<String, Vec<String>>,
    /// By conversation: its token, and sequence number and text of each message.
    pub messages: BTreeMap<String, (String, Vec<(u64, String)>)>,
}

impl Acknowledged {
    pub fn event_count(&self) -> usize {
        self.events.values().map(Vec::len).sum()
    }
}

/// Threads that work until they are told to stop.
pub struct Load {
    pub noted: Arc<Mutex<Acknowledged>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// One thread for each ordering key (two without one), and one for each of `chats` conversations with `bot`.
    pub fn begin(api: &Api, keys: &[&str], bot: &str, chats: usize) -> Self {
        let mut load = Self { noted: Arc::default(), stop: Arc::default(), threads: Vec::new() };
        for key in keys {
            let key = (*key).to_owned();
            load.spawn(api, move |api, noted, n| publish(api, noted, &key, n));
        }
        for _ in 0..chats {
            let bot = bot.to_owned();
            let mut conversation = None;
            load.spawn(api, move |api, noted, n| chat(api, noted, &bot, &mut conversation, n));
        }
        load
    }

    fn spawn(&mut self, api: &Api, mut step: impl FnMut(&Api, &Mutex<Acknowledged>, u64) -> bool + Send + 'static) {
        let (api, noted, stop) = (api.clone(), self.noted.clone(), self.stop.clone());
        self.threads.push(std::thread::spawn(move || {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                // While the server is down there is no answer; the same step is tried again.
                if step(&api, &noted, n) {
                    n += 1;
                } else {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }));
    }

    /// Ends it; whatever is not acknowledged by now is nobody's promise.
    pub fn end(self) -> Acknowledged {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|t| t.join().unwrap());
        std::mem::take(&mut self.noted.lock().unwrap())
    }
}

/// Publishes one event; an idempotency key makes the second try of a lost answer safe.
fn publish(api: &Api, noted: &Mutex<Acknowledged>, key: &str, n: u64) -> bool {
    let mut event = json!({"type": "load.step", "data": {"key": key, "n": n}, "idempotency_key": format!("{key}-{n}")});
    if !key.is_empty() && !key.starts_with('-') {
        event["ordering_key"] = json!(key);
    }
    // A steady program, so that what is behind at the end is delivered in a few seconds.
    std::thread::sleep(Duration::from_millis(20));
    let headers = [("content-type", "application/json")];
    match api.try_send("POST", "/api/v1/events", &headers, Some(event.to_string().as_bytes())) {
        Ok(answer) if matches!(answer.status, 200 | 202) => {
            let id = text(&answer.json()["id"]);
            noted.lock().unwrap().events.entry(key.to_owned()).or_default().push(id);
            true
        }
        Ok(answer) => panic!("an event was refused: {}", answer.text()),
        Err(_) => false,
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
