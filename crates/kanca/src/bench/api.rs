//! The few calls of Kanca's API that set a run up and look at its end.

use super::server::Server;
use super::wire::{self, Incoming};
use serde_json::Value;
use tokio::net::TcpStream;

/// One connection to the API.
pub struct Api {
    stream: TcpStream,
    answer: Incoming,
    host: String,
    key: String,
}

impl Api {
    /// # Errors
    /// A sentence, when the server does not listen.
    pub async fn connect(server: &Server) -> Result<Self, String> {
        let stream = TcpStream::connect(server.address).await;
        let stream = stream.map_err(|e| format!("the server does not listen on {}: {e}", server.address))?;
        let (host, key) = (server.address.to_string(), server.api_key().to_owned());
        Ok(Self { stream, answer: Incoming::new(), host, key })
    }

    /// `body` is JSON, or empty.
    ///
    /// # Errors
    /// A sentence with the call and the answer.
    pub async fn call(&mut self, method: &str, path: &str, body: &str) -> Result<Value, String> {
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            self.key,
            body.len()
        );
        let broke = |e| format!("{method} {path} got no answer: {e}");
        wire::write(&mut self.stream, request.as_bytes()).await.map_err(broke)?;
        if !self.answer.next(&mut self.stream).await.map_err(broke)? {
            return Err(format!("{method} {path} got no answer: the server closed the connection"));
        }
        let (status, body) = (self.answer.status(), self.answer.body());
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path} was answered {status}: {}", String::from_utf8_lossy(body)));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(body).map_err(|e| format!("{method} {path} was answered with no JSON: {e}"))
    }
}
