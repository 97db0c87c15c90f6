//! Server-sent events, as the panel listens to them.

use super::server::{API_KEY, Server};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long an event may take to come.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Stream(BufReader<TcpStream>);

impl Stream {
    /// Listens to a path under `/api/v1`; the server has begun to answer when this returns.
    #[track_caller]
    pub fn open(server: &Server, path: &str) -> Self {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // An answer to HTTP/1.0 is not chunked.
        let head = format!(
            "GET /api/v1{path} HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {API_KEY}\r\n\r\n",
            server.address()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut status = String::new();
        reader.read_line(&mut status).unwrap();
        assert!(status.contains(" 200 "), "{status}");
        let mut stream = Self(reader);
        // The comment that says "connected".
        while !stream.line().unwrap().starts_with(':') {}
        stream
    }

    /// The next event's name and data; `None` at the end of the stream.
    #[track_caller]
    pub fn try_next(&mut self) -> Option<(String, Value)> {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let line = self.line()?;
            assert!(line != ": ping", "no event until the line was kept open by a comment");
            if let Some(value) = line.strip_prefix("event: ") {
                value.clone_into(&mut name);
            } else if let Some(value) = line.strip_prefix("data: ") {
                data += value;
            } else if line.is_empty() && !data.is_empty() {
                return Some((name, serde_json::from_str(&data).unwrap()));
            }
        }
    }

    /// The data of the next event of this name; others are passed over.
    #[track_caller]
    pub fn next_of(&mut self, wanted: &str) -> Value {
        let begun = Instant::now();
        // Other events, and the comments that keep the line open, must not put the end off for ever.
        while begun.elapsed() < 2 * PATIENCE {
            let (name, data) = self.try_next().expect("the stream has ended");
            if name == wanted {
                return data;
            }
        }
        panic!("no event {wanted} within {:?}", begun.elapsed());
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(e) => panic!("no event within {PATIENCE:?}: {e}"),
        }
    }
}
