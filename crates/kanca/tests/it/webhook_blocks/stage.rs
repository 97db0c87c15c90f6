//! What these stories share: a bot that asks a service for every message and says by which port it left.

use crate::support::{Bot, Chat, Receiver, Server, document, says, text};
use serde_json::{Value, json};

pub struct Stage {
    pub server: Server,
    pub endpoint: String,
    pub bot: Bot,
}

impl Stage {
    /// Asks this service; the block has these further fields.
    #[track_caller]
    pub fn asking(receiver: &Receiver, fields: &Value) -> Self {
        Self::at(&receiver.url(), fields)
    }

    #[track_caller]
    pub fn at(url: &str, fields: &Value) -> Self {
        let server = Server::start();
        let endpoint = server.api().create_endpoint_with(url, json!({"event_types": []}));
        let bot = Bot::create(&server.api(), &asking(&endpoint["id"], fields));
        Self { server, endpoint: text(&endpoint["id"]), bot }
    }

    #[track_caller]
    pub fn chat(&self) -> Chat {
        Chat::start(&self.server, &self.bot)
    }

    /// The deliveries of the block, newest first, with their attempts.
    #[track_caller]
    pub fn deliveries(&self) -> Vec<Value> {
        let api = self.server.api();
        let found = api.deliveries(&format!("endpoint_id={}", self.endpoint));
        found.iter().map(|d| api.delivery(&text(&d["id"]))).collect()
    }

    /// The only delivery.
    #[track_caller]
    pub fn delivery(&self) -> Value {
        let all = self.deliveries();
        assert_eq!(all.len(), 1, "{all:#?}");
        all[0].clone()
    }

    /// What the panel was told beside the conversation.
    #[track_caller]
    pub fn notes(&self, chat: &Chat) -> Vec<String> {
        let all = self.server.api().get(&format!("/conversations/{}/messages", chat.id)).expect(200);
        let notes = all["items"].as_array().unwrap().iter().filter(|m| m["from"] == "note");
        notes.map(|m| text(&m["text"])).collect()
    }
}

/// Greets; for each message asks the service and says the port.
pub fn asking(endpoint: &Value, fields: &Value) -> Value {
    let mut hook =
        json!({"id": "hook", "type": "webhook", "endpoint_id": endpoint, "mode": "wait", "timeout_ms": 10_000});
    hook.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
    let blocks = json!([says("hello", "Hello!"), {"id": "any", "type": "default_otherwise"}, hook,
        says("ok", "port success {{webhook.status}} [{{order.status|none}}]"),
        says("refused", "port client_error {{webhook.status}}"), says("broken", "port server_error"),
        says("late", "port timeout")]);
    document(
        &blocks,
        &[
            ("start", "next", "hello"),
            ("any", "next", "hook"),
            ("hook", "success", "ok"),
            ("hook", "client_error", "refused"),
            ("hook", "server_error", "broken"),
            ("hook", "timeout", "late"),
        ],
    )
}
