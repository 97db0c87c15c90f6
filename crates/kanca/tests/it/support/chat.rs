//! Bots to talk to, and the visitor's side of the chat over HTTP.

use super::api::{Answer, Api, text};
use super::server::Server;
use super::wait::eventually;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the bot may take to say something.
const PATIENCE: Duration = Duration::from_secs(20);

/// A scenario document of these blocks and edges `(from, port, to)`. A block named `start` is added.
pub fn document(blocks: &Value, edges: &[(&str, &str, &str)]) -> Value {
    let mut all = vec![json!({"id": "start", "type": "start"})];
    all.extend(blocks.as_array().unwrap().iter().cloned());
    let edges: Vec<_> = edges.iter().map(|(from, port, to)| json!({"from": from, "port": port, "to": to})).collect();
    json!({"schema": "kanca.scenario/1", "attributes": [], "blocks": all, "edges": edges})
}

/// A text block.
pub fn says(id: &str, words: &str) -> Value {
    json!({"id": id, "type": "text", "messages": [{"text": words}]})
}

/// Greets, and echoes what is written: "You said: …".
pub fn echo() -> Value {
    let blocks = json!([says("hello", "Hello!"), {"id": "else", "type": "default_otherwise"},
        says("echo", "You said: {{message}}")]);
    document(&blocks, &[("start", "next", "hello"), ("else", "next", "echo")])
}

/// A bot with a published scenario.
#[derive(Clone)]
pub struct Bot {
    api: Api,
    pub id: String,
    pub scenario: String,
    pub identity_secret: String,
}

impl Bot {
    #[track_caller]
    pub fn create(api: &Api, document: &Value) -> Self {
        let bot = Self::with_draft(api, document);
        bot.publish().expect(200);
        bot
    }

    /// One whose scenario is not published yet.
    #[track_caller]
    pub fn with_draft(api: &Api, document: &Value) -> Self {
        let bot = api.post("/bots", &json!({"name": "Helper"})).expect(201);
        let id = text(&bot["id"]);
        let input = json!({"name": "Flow", "draft": document});
        let scenario = api.post(&format!("/bots/{id}/scenarios"), &input).expect(201);
        Self { api: api.clone(), id, scenario: text(&scenario["id"]), identity_secret: text(&bot["identity_secret"]) }
    }

    #[track_caller]
    pub fn publish(&self) -> Answer {
        self.api.post(&format!("/scenarios/{}/publish", self.scenario), &json!({}))
    }

    /// Saves another draft and publishes it; returns the version.
    #[track_caller]
    pub fn publish_anew(&self, document: &Value) -> Value {
        self.api.put(&format!("/scenarios/{}/draft", self.scenario), document).expect(200);
        self.publish().expect(200)
    }
}

/// A visitor in one conversation.
#[derive(Clone)]
pub struct Chat {
    pub http: Api,
    pub id: String,
    pub token: String,
}

impl Chat {
    #[track_caller]
    pub fn start(server: &Server, bot: &Bot) -> Self {
        Self::start_with(server, bot, json!({}))
    }

    /// With what the page knows of its visitor.
    #[track_caller]
    pub fn start_with(server: &Server, bot: &Bot, fields: Value) -> Self {
        Self::of(server, &start(server, bot, fields).expect(201))
    }

    /// The conversation of an answer with an id and a token.
    #[track_caller]
    pub fn of(server: &Server, started: &Value) -> Self {
        let id = started.get("conversation_id").unwrap_or(&started["id"]);
        let token = text(&started["token"]);
        Self { http: server.api_as(Some(&token)), id: text(id), token }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/chat/v1/conversations/{}/{rest}", self.id)
    }

    /// Says something under a new id.
    #[track_caller]
    pub fn say(&self, words: &str) -> Value {
        self.send(&json!({"client_id": new_client_id(), "text": words})).expect(200)
    }

    #[track_caller]
    pub fn send(&self, said: &Value) -> Answer {
        self.http.post(&self.path("messages"), said)
    }

    #[track_caller]
    pub fn read(&self, query: &str) -> Answer {
        self.http.get(&self.path(&format!("messages?{query}")))
    }

    /// All messages that the visitor sees.
    #[track_caller]
    pub fn messages(&self) -> Vec<Value> {
        self.read("").expect(200)["items"].as_array().unwrap().clone()
    }

    /// The same as lines such as `bot: Hello!`.
    #[track_caller]
    pub fn lines(&self) -> Vec<String> {
        self.messages().iter().map(line).collect()
    }

    /// Waits until the conversation reads so.
    #[track_caller]
    pub fn reads(&self, expected: &[&str]) {
        let mut last = Vec::new();
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually("the conversation reads as expected", PATIENCE, || {
                last = self.lines();
                (last.len() >= expected.len()).then_some(())
            });
        }));
        assert!(read.is_ok() && last == expected, "the conversation reads {last:#?}, not {expected:#?}");
    }
}

/// Opens a conversation, whatever the answer.
#[track_caller]
pub fn start(server: &Server, bot: &Bot, fields: Value) -> Answer {
    let mut input = json!({"bot": bot.id});
    input.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
    server.api_as(None).post("/chat/v1/conversations", &input)
}

/// A message as a line.
pub fn line(message: &Value) -> String {
    format!("{}: {}", message["from"].as_str().unwrap_or("?"), message["text"].as_str().unwrap_or("?"))
}

/// An id that no other message has.
pub fn new_client_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("client-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Whether a text stands anywhere in the files of a server's data directory, but for the key file.
pub fn is_in_data(server: &Server, text: &str) -> bool {
    std::fs::read_dir(server.data_dir()).unwrap().flatten().any(|file| {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        bytes.windows(text.len()).any(|w| w == text.as_bytes())
    })
}
