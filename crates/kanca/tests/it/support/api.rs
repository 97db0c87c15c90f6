//! A small JSON client that speaks of endpoints, events, deliveries and inboxes. Every answer comes back as it is; a
//! story says which status it expects.

use super::document;
use super::wait::eventually;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use ureq::Agent;

/// How long deliveries may take to end in a story.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The API of one server with one key.
#[derive(Clone)]
pub struct Api {
    origin: String,
    key: Option<String>,
    agent: Agent,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {}", self.text()))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The text of an answer with this status.
    #[track_caller]
    pub fn expect_text(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        self.text()
    }

    /// The problem in an answer with this status; all its parts must be there.
    #[track_caller]
    pub fn expect_problem(&self, status: u16) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        for part in ["type", "title", "detail"] {
            assert!(problem[part].as_str().is_some_and(|t| !t.is_empty()), "no {part}: {problem}");
        }
        problem
    }
}

impl Api {
    pub fn new(address: SocketAddr, key: Option<&str>) -> Self {
        let config = Agent::config_builder()
            // A connection of its own for each request: one kept from before a restart would be dead.
            .max_idle_connections(0)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(40)))
            .build();
        Self { origin: format!("http://{address}"), key: key.map(str::to_owned), agent: config.into() }
    }

    /// The same server with another key, or with a conversation's token.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// Sends a request; `path` begins at the origin. No answer at all is an error, such as while the server is down; one that
    /// the OpenAPI document does not list ends the story.
    #[track_caller]
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.origin));
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body.to_vec())?),
            None => self.agent.run(request.body(())?),
        }?;
        let (parts, mut body) = response.into_parts();
        let headers = parts.headers.iter().map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into()));
        let headers = headers.collect();
        let body = body.with_config().limit(64 << 20).read_to_vec()?;
        document::lists(method, path, parts.status.as_u16());
        Ok(Answer { status: parts.status.as_u16(), headers, body })
    }

    /// The same where an answer is certain.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        self.try_send(method, path, headers, body).unwrap_or_else(|e| panic!("{method} {path} got no answer: {e}"))
    }

    /// A JSON request as it is written.
    #[track_caller]
    pub fn send_text(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, &full(path), &[("content-type", "application/json")], Some(body.as_bytes()))
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", &full(path), &[], None)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_text("POST", path, &body.to_string())
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send_text("PUT", path, &body.to_string())
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send_text("PATCH", path, &body.to_string())
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", &full(path), &[], None)
    }
}

/// API calls are named without their prefix.
fn full(path: &str) -> String {
    ["/api/", "/chat/", "/in/", "/demo"]
        .iter()
        .find(|p| path.starts_with(**p))
        .map_or_else(|| format!("/api/v1{path}"), |_| path.to_owned())
}

/// What stories do most.
impl Api {
    /// Creates an endpoint for all events at this URL; returns it, with its secret.
    #[track_caller]
    pub fn create_endpoint(&self, url: &str) -> Value {
        self.create_endpoint_with(url, json!({}))
    }

    /// The same with further fields.
    #[track_caller]
    pub fn create_endpoint_with(&self, url: &str, fields: Value) -> Value {
        let mut input = json!({"name": "Receiver", "url": url, "event_types": ["*"]});
        input.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
        self.post("/endpoints", &input).expect(201)
    }

    /// Publishes an event; returns its id.
    #[track_caller]
    pub fn publish(&self, event_type: &str, data: Value) -> String {
        self.publish_with(event_type, data, json!({}))
    }

    /// The same with further fields such as an ordering key.
    #[track_caller]
    pub fn publish_with(&self, event_type: &str, data: Value, fields: Value) -> String {
        let mut input = json!({"type": event_type, "data": data});
        input.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
        text(&self.post("/events", &input).expect(202)["id"])
    }

    #[track_caller]
    pub fn event(&self, id: &str) -> Value {
        self.get(&format!("/events/{id}")).expect(200)
    }

    /// One delivery with its attempts.
    #[track_caller]
    pub fn delivery(&self, id: &str) -> Value {
        self.get(&format!("/deliveries/{id}")).expect(200)
    }

    /// All deliveries that a query such as `event_id=…` names, through every page.
    #[track_caller]
    pub fn deliveries(&self, query: &str) -> Vec<Value> {
        self.all(&format!("/deliveries?{query}"))
    }

    /// Every item of a list, through all its pages.
    #[track_caller]
    pub fn all(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}{joint}limit=200{cursor}")).expect(200);
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// Waits until the only delivery of an event is in this status and returns it with its attempts.
    #[track_caller]
    pub fn wait_for_delivery(&self, event_id: &str, status: &str) -> Value {
        eventually(&format!("the delivery of {event_id} is {status}"), PATIENCE, || {
            let found = self.deliveries(&format!("event_id={event_id}"));
            let delivery = self.delivery(found.first()?["id"].as_str()?);
            (delivery["status"] == status).then_some(delivery)
        })
    }

    /// Creates an inbox with these fields.
    #[track_caller]
    pub fn create_inbox(&self, fields: &Value) -> Value {
        self.post("/inboxes", fields).expect(201)
    }

    /// What an inbox captured, newest first.
    #[track_caller]
    pub fn captured(&self, inbox: &Value) -> Vec<Value> {
        self.all(&format!("/inboxes/{}/requests", text(&inbox["id"])))
    }

    /// The newest captured request with headers and body.
    #[track_caller]
    pub fn newest_captured(&self, inbox: &Value) -> Value {
        let id = text(&inbox["id"]);
        let newest = self.captured(inbox).first().cloned().expect("something was captured");
        self.get(&format!("/inboxes/{id}/requests/{}", text(&newest["id"]))).expect(200)
    }

    /// Everything that a visitor sees of a conversation, oldest first.
    #[track_caller]
    pub fn all_messages(&self, path: &str) -> Vec<Value> {
        let mut items: Vec<Value> = Vec::new();
        loop {
            let after = items.last().map_or(0, |m| m["seq"].as_u64().unwrap());
            let more = self.get(&format!("{path}?after={after}")).expect(200)["items"].as_array().unwrap().clone();
            if more.is_empty() {
                return items;
            }
            items.extend(more);
        }
    }

    /// A project of its own, seen with its own key.
    #[track_caller]
    pub fn create_project(&self, name: &str) -> Self {
        let project = self.post("/projects", &json!({"name": name})).expect(201);
        self.with_key(&text(&project["key"]))
    }
}

/// The text in a JSON value.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
