//! Somebody's service: records every request byte for byte and answers as the story wants.

use super::wait::eventually;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a story waits for requests.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub at: Instant,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or("", |(_, v)| v.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn webhook_id(&self) -> &str {
        self.header("webhook-id")
    }
}

/// What the service answers.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Before the answer.
    pub delay: Duration,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), delay: Duration::ZERO }
    }

    pub fn ok() -> Self {
        Self::status(200)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Answering = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

/// A service on this machine; goes with its owner.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    requests: Mutex<Vec<Received>>,
    answering: Mutex<Answering>,
    gone: AtomicBool,
}

impl Receiver {
    /// One that says 200 to everything.
    pub fn start() -> Self {
        Self::answering(|_| Reply::ok())
    }

    pub fn answering(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answering: Answering = Arc::new(answer);
        let shared = Arc::new(Shared {
            requests: Mutex::default(),
            answering: Mutex::new(answering),
            gone: AtomicBool::new(false),
        });
        let served = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if served.gone.load(Ordering::SeqCst) {
                    return;
                }
                let shared = served.clone();
                // A client that goes away in the middle is part of some stories.
                std::thread::spawn(move || drop(converse(&stream, &shared)));
            }
        });
        Self { address, shared }
    }

    /// Answers differently from now on.
    pub fn answer_with(&self, answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        *self.shared.answering.lock().unwrap() = Arc::new(answer);
    }

    pub fn url(&self) -> String {
        self.url_at("/hook")
    }

    pub fn url_at(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Received> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits until at least this many requests have arrived.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        eventually(&format!("{count} requests have arrived"), PATIENCE, || {
            Some(self.requests()).filter(|all| all.len() >= count)
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::SeqCst);
        // Wakes the accept loop so that it sees the end; where it cannot, the loop is gone already.
        drop(TcpStream::connect(self.address));
    }
}

fn converse(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(received) = read_request(&mut reader)? {
        if shared.gone.load(Ordering::SeqCst) {
            return Ok(());
        }
        shared.requests.lock().unwrap().push(received.clone());
        let answer = shared.answering.lock().unwrap().clone();
        let reply = answer(&received);
        std::thread::sleep(reply.delay);
        let mut head =
            vec![format!("HTTP/1.1 {} Answer", reply.status), format!("content-length: {}", reply.body.len())];
        head.extend(reply.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        let head = head.join("\r\n");
        (&*stream).write_all(&[head.as_bytes(), b"\r\n\r\n", &reply.body].concat())?;
    }
    Ok(())
}

/// One request with a body of known length, which is what Kanca sends; `None` when the connection ends before one.
fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Received>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.map_or(0, |(_, v)| v.parse().unwrap())];
    reader.read_exact(&mut body)?;
    Ok(Some(Received { method, target, headers, body, at: Instant::now() }))
}
