//! The live stream: everything once, in order, also across a broken connection.

use crate::support::{API_KEY, Raw, Server, text};
use serde_json::{Value, json};

/// A listener to an inbox's stream.
struct Listener(Raw);

impl Listener {
    fn join(server: &Server, inbox: &Value, last: Option<&str>) -> Self {
        let mut raw = Raw::connect(server.address());
        let resume = last.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        raw.send(format!(
            "GET /api/v1/inboxes/{}/live HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_KEY}\r\n{resume}\r\n",
            text(&inbox["id"])
        ));
        let mut listener = Self(raw);
        // The stream greets with a comment; from then on nothing is missed.
        while !listener.0.line().expect("the stream begins").starts_with(": connected") {}
        listener
    }

    /// The next event's name, id and data; `None` at the end of the stream.
    fn next(&mut self) -> Option<(String, String, Value)> {
        let (mut name, mut id) = (String::new(), String::new());
        loop {
            let line = self.0.line()?;
            if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("id: ") {
                text.clone_into(&mut id);
            } else if let Some(data) = line.strip_prefix("data: ") {
                // The id may stand after the data.
                while let Some(rest) = self.0.line().filter(|l| !l.is_empty()) {
                    if let Some(text) = rest.strip_prefix("id: ") {
                        text.clone_into(&mut id);
                    } else if let Some(text) = rest.strip_prefix("event: ") {
                        text.clone_into(&mut name);
                    }
                }
                return Some((name, id, serde_json::from_str(data).unwrap()));
            }
        }
    }

    fn targets(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| text(&self.next().expect("another request").2["target"])).collect()
    }
}

fn post(server: &Server, range: std::ops::Range<u32>) {
    let api = server.api_as(None);
    range.for_each(|n| drop(api.send("POST", &format!("/in/box/{n}"), &[], Some(b"x"))));
}

fn targets(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("/in/box/{n}")).collect()
}

#[test]
fn a_listener_hears_requests_as_they_come_and_deletions() {
    let server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box"}));
    post(&server, 0..2);
    let mut listener = Listener::join(&server, &inbox, None);
    post(&server, 2..5);
    let (name, id, data) = listener.next().unwrap();
    assert_eq!((name.as_str(), &data["id"], &data["target"]), ("request", &json!(id), &json!("/in/box/2")));
    assert_eq!(listener.targets(2), targets(3..5));
    server.api().delete(&format!("/inboxes/{}/requests/{id}", text(&inbox["id"]))).expect(204);
    let (name, _, data) = listener.next().unwrap();
    assert_eq!((name.as_str(), data), ("deleted", json!({"id": id})));
}

#[test]
fn a_listener_that_comes_back_loses_and_doubles_nothing() {
    let server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box"}));
    let mut first = Listener::join(&server, &inbox, None);
    post(&server, 0..10);
    let (mut seen, mut last) = (Vec::new(), String::new());
    for _ in 0..4 {
        let (_, id, data) = first.next().unwrap();
        (seen, last) = ([seen, vec![text(&data["target"])]].concat(), id);
    }
    drop(first);
    post(&server, 10..300);
    std::thread::scope(|scope| {
        let more = scope.spawn(|| post(&server, 300..600));
        let mut second = Listener::join(&server, &inbox, Some(&last));
        seen.extend(second.targets(596));
        more.join().unwrap();
    });
    assert_eq!(seen, targets(0..600));
}

#[test]
fn a_listener_that_comes_back_after_a_restart_loses_nothing() {
    let mut server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box"}));
    let mut first = Listener::join(&server, &inbox, None);
    post(&server, 0..3);
    let last = (0..2).map(|_| first.next().unwrap().1).last().unwrap();
    server.kill_9();
    server.restart();
    post(&server, 3..5);
    assert_eq!(Listener::join(&server, &inbox, Some(&last)).targets(3), targets(2..5));
}

#[test]
fn requests_at_once_are_streamed_once_each() {
    let server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box"}));
    let mut listener = Listener::join(&server, &inbox, None);
    std::thread::scope(|scope| {
        for part in 0..8 {
            let server = &server;
            scope.spawn(move || post(server, part * 50..(part + 1) * 50));
        }
    });
    let mut seen = listener.targets(400);
    seen.sort();
    let mut expected = targets(0..400);
    expected.sort();
    assert_eq!(seen, expected);
}
