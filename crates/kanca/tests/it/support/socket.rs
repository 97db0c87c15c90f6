//! The chat's socket, as a widget holds it.

use super::chat::Chat;
use super::server::Server;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

/// How long a frame may take to come.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Socket(WebSocket<TcpStream>);

impl Socket {
    #[track_caller]
    pub fn open(server: &Server) -> Self {
        Self::open_from(server, None)
    }

    /// One opened by a page of this origin.
    #[track_caller]
    pub fn open_from(server: &Server, origin: Option<&str>) -> Self {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!("ws://{}/chat/v1/socket", server.address()).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        Self(tungstenite::client(request, stream).unwrap().0)
    }

    /// One that follows a conversation after this number; the answer was `ready`.
    #[track_caller]
    pub fn follow(server: &Server, chat: &Chat, after: u64) -> Self {
        let mut socket = Self::open(server);
        let ready = socket.hello(chat, after);
        assert_eq!(ready["type"], "ready", "{ready}");
        socket
    }

    /// Says hello; returns the first frame.
    #[track_caller]
    pub fn hello(&mut self, chat: &Chat, after: u64) -> Value {
        self.send(&json!({"type": "hello", "conversation": chat.id, "token": chat.token, "after": after}));
        self.next()
    }

    #[track_caller]
    pub fn say(&mut self, client_id: &str, words: &str) {
        self.send(&json!({"type": "send", "client_id": client_id, "text": words}));
    }

    #[track_caller]
    pub fn send(&mut self, frame: &Value) {
        self.send_raw(Message::text(frame.to_string()));
    }

    #[track_caller]
    pub fn send_raw(&mut self, frame: Message) {
        self.0.send(frame).unwrap();
    }

    /// The next frame of JSON.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        self.try_next().expect("the socket was closed")
    }

    /// The next frame, or `None` when the server has closed.
    #[track_caller]
    pub fn try_next(&mut self) -> Option<Value> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) => return None,
                Ok(_) => {}
                Err(tungstenite::Error::Io(e)) if e.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("no frame within {PATIENCE:?}")
                }
                Err(_) => return None,
            }
        }
    }

    /// The next frame of this type; others are passed over.
    #[track_caller]
    pub fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next();
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// The next messages as lines.
    #[track_caller]
    pub fn lines(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| super::chat::line(&self.next_of("message")["message"])).collect()
    }
}
