//! The chat's socket: `hello` with the token, then messages both ways. Every message goes out in order of its sequence
//! number, and after a drop the client says which number it has.

use super::BATCH;
use crate::App;
use crate::api::conversations::message;
use crate::extract::Client;
use crate::problems::{Answer, Problem};
use axum::extract::State;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use kanca_domain::ids::{ConversationId, ProjectId};
use kanca_engine::conversations::{ChatSignal, ChatStanding, Said, Visitor};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// How long a new socket may take to say hello.
const HELLO_TIME: Duration = Duration::from_secs(10);
/// A ping goes out this often; a client that is gone is noticed by it.
const PING: Duration = Duration::from_secs(30);
/// How long a client may take to read a frame.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// A text of 4,000 characters with escapes fits well.
const MAX_FRAME: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum FromClient {
    Hello {
        conversation: String,
        token: String,
        #[serde(default)]
        after: u64,
    },
    Send {
        client_id: String,
        text: String,
        #[serde(default)]
        choice: Option<String>,
    },
}

/// Opens the socket: JSON text frames both ways, beginning with `{"type":"hello","conversation","token","after"}`.
#[utoipa::path(get, path = "/chat/v1/socket", tag = "chat", responses((status = 101)), security(()))]
pub async fn socket(
    State(app): State<App>,
    Client(client): Client,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Answer<Response> {
    let upgrade = upgrade.map_err(|_| {
        Problem::malformed(
            "This address speaks WebSocket only. Without sockets, poll GET …/messages?after=&wait= instead.",
        )
    })?;
    let origin = super::origin(&headers).map(str::to_owned);
    let upgrade = upgrade.max_message_size(MAX_FRAME).max_frame_size(MAX_FRAME);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut session = Session { app, socket };
        session.run(Visitor { token: String::new(), origin, client }).await;
    }))
}

struct Session {
    app: App,
    socket: WebSocket,
}

/// A conversation that has been opened by its token.
struct Opened {
    id: ConversationId,
    visitor: Visitor,
    project: ProjectId,
    /// The client has everything up to here.
    sent: u64,
    signals: Receiver<ChatSignal>,
}

/// The connection is gone or has to go.
struct Gone;

impl Session {
    async fn run(&mut self, visitor: Visitor) {
        let hello = tokio::time::timeout(HELLO_TIME, self.socket.recv()).await;
        let text = match hello {
            Ok(Some(Ok(Frame::Text(text)))) => text,
            Ok(Some(Ok(Frame::Close(_)) | Err(_)) | None) => return,
            // Nothing, or no text: answered like any other first frame that is no hello.
            Ok(Some(Ok(_))) | Err(_) => Utf8Bytes::default(),
        };
        let _ = match self.hello(&text, visitor).await {
            Ok(opened) => self.follow(opened).await,
            Err(problem) => self.send(&error(None, &problem)).await,
        };
        // Whoever is still there learns that this was the end, and not the network.
        let _ = self.write(Frame::Close(None)).await;
    }

    async fn hello(&mut self, text: &str, mut visitor: Visitor) -> Answer<Opened> {
        let Ok(FromClient::Hello { conversation, token, after }) = serde_json::from_str(text) else {
            return Err(Problem::malformed(
                "The first frame must be {\"type\":\"hello\",\"conversation\",\"token\",\"after\"}.",
            ));
        };
        visitor.token = token;
        let id =
            conversation.parse::<ConversationId>().map_err(|_| Problem::not_found("There is no such conversation."))?;
        let signals = self.app.engine.watch_chat(id, &visitor).await?;
        let ChatStanding { project_id: project, last_seq, ended, busy } =
            self.app.engine.chat_standing(id, &visitor).await?;
        let status = if ended { "ended" } else { "open" };
        let _ = self.send(&json!({"type": "ready", "last_seq": last_seq, "status": status})).await;
        // A number from another life of the conversation must not hide what is said from now on.
        let mut opened = Opened { id, visitor, project, sent: after.min(last_seq), signals };
        if self.catch_up(&mut opened).await.is_ok() && busy {
            let _ = self.send(&json!({"type": "typing"})).await;
        }
        Ok(opened)
    }

    async fn follow(&mut self, mut opened: Opened) -> Result<(), Gone> {
        let mut ping = tokio::time::interval(PING);
        ping.tick().await;
        loop {
            tokio::select! {
                frame = self.socket.recv() => match frame {
                    Some(Ok(Frame::Text(text))) => self.said(&mut opened, &text).await?,
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(Gone),
                    Some(Ok(_)) => {}
                },
                signal = opened.signals.recv() => self.signal(&mut opened, signal).await?,
                _ = ping.tick() => self.write(Frame::Ping(bytes::Bytes::new())).await?,
            }
        }
    }

    async fn said(&mut self, opened: &mut Opened, text: &str) -> Result<(), Gone> {
        let Ok(FromClient::Send { client_id, text, choice }) = serde_json::from_str(text) else {
            let problem = Problem::malformed("A frame must be {\"type\":\"send\",\"client_id\",\"text\"}.");
            return self.send(&error(None, &problem)).await;
        };
        let said = Said { client_id: client_id.clone(), text, choice };
        match self.app.engine.receive(opened.id, &opened.visitor, &said).await {
            Ok(received) => {
                let ack = json!({"type": "ack", "client_id": client_id, "id": received.id, "seq": received.seq});
                self.send(&ack).await?;
                self.catch_up(opened).await
            }
            Err(failure) => self.send(&error(Some(&client_id), &failure.into())).await,
        }
    }

    async fn signal(&mut self, opened: &mut Opened, signal: Result<ChatSignal, RecvError>) -> Result<(), Gone> {
        match signal {
            // The next number in turn needs no look into the table.
            Ok(ChatSignal::Message(record)) if record.seq == opened.sent + 1 => {
                opened.sent = record.seq;
                self.send(&json!({"type": "message", "message": message(&record, false)})).await
            }
            Ok(ChatSignal::Message(record)) if record.seq <= opened.sent => Ok(()),
            Ok(ChatSignal::Message(_)) | Err(RecvError::Lagged(_)) => self.catch_up(opened).await,
            Ok(ChatSignal::Typing) => self.send(&json!({"type": "typing"})).await,
            Ok(ChatSignal::Ended) => self.send(&json!({"type": "status", "status": "ended"})).await,
            Err(RecvError::Closed) => Err(Gone),
        }
    }

    /// Sends everything after the last number sent.
    async fn catch_up(&mut self, opened: &mut Opened) -> Result<(), Gone> {
        loop {
            let found = self.app.engine.chat_messages(opened.project, opened.id, opened.sent, BATCH).await;
            let found = found.map_err(|_| Gone)?;
            let Some(last) = found.last().map(|m| m.seq) else { return Ok(()) };
            for record in &found {
                self.send(&json!({"type": "message", "message": message(record, false)})).await?;
            }
            opened.sent = last;
        }
    }

    async fn send(&mut self, frame: &Value) -> Result<(), Gone> {
        self.write(Frame::Text(Utf8Bytes::from(frame.to_string()))).await
    }

    /// A client that takes nothing any more is let go.
    async fn write(&mut self, frame: Frame) -> Result<(), Gone> {
        match tokio::time::timeout(WRITE_TIME, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

fn error(client_id: Option<&str>, problem: &Problem) -> Value {
    let mut frame = json!({"type": "error", "status": problem.status, "detail": problem.detail});
    if let Some(frame) = frame.as_object_mut() {
        if let Some(client_id) = client_id {
            frame.insert("client_id".into(), json!(client_id));
        }
        if let Some(seconds) = problem.retry_after {
            frame.insert("retry_after".into(), json!(seconds));
        }
    }
    frame
}
