//! The service that the webhooks go to. One listener serves all endpoints of a run, told apart by the path (`/7`); each
//! answers as its behaviour says, and every arrival is noted in the ledger.

use super::ledger::Ledger;
use super::message::number_in;
use super::wire::{self, Incoming};
use crate::machine::SystemClock;
use crate::serve;
use kanca_domain::signatures::{Secret, SignatureHeaders, TOLERANCE_SECONDS, Verifier, verify};
use kanca_engine::ports::Clock as _;
use std::io::Result;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// The signature of one message in so many is checked: it costs more than all else here together.
const CHECK_EVERY: usize = 100;
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// Any port of this machine.
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What an endpoint does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers 200, so long after the request has come.
    Answer { after: Duration },
    /// Takes the request and never answers.
    Silent,
    /// Answers no attempt to connect.
    Unreachable,
    /// Refuses connections.
    Dead,
}

impl Behaviour {
    /// Answers 200 at once.
    pub const PROMPT: Self = Self::Answer { after: Duration::ZERO };
}

/// A listening service; ends with its owner.
pub struct Receiver {
    address: SocketAddr,
    unreachable: Unreachable,
    dead: Dead,
    behaviours: Arc<[Behaviour]>,
    accepting: AbortHandle,
}

impl Receiver {
    /// Starts it for these endpoints. `secret` is what all of them are signed with.
    ///
    /// # Errors
    /// When the machine gives no sockets.
    pub async fn start(behaviours: &[Behaviour], ledger: Arc<Ledger>, secret: Secret) -> Result<Self> {
        let listener = serve::listen(ANYWHERE)?;
        let address = listener.local_addr()?;
        let behaviours: Arc<[Behaviour]> = behaviours.into();
        let service = Arc::new(Service { behaviours: behaviours.clone(), ledger, keys: [Verifier::from(&secret)] });
        let accepting = tokio::spawn(accept(listener, service)).abort_handle();
        let (unreachable, dead) = (Unreachable::open().await?, Dead::open()?);
        Ok(Self { address, unreachable, dead, behaviours, accepting })
    }

    /// Where this endpoint is.
    pub fn url(&self, endpoint: usize) -> String {
        let address = match self.behaviours.get(endpoint) {
            Some(Behaviour::Unreachable) => self.unreachable.address,
            Some(Behaviour::Dead) => self.dead.address,
            _ => self.address,
        };
        format!("http://{address}/{endpoint}")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A listener whose queue is full: the system drops every further attempt to connect, as a host that is gone does.
struct Unreachable {
    address: SocketAddr,
    _held: (TcpListener, Vec<TcpStream>),
}

impl Unreachable {
    async fn open() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(ANYWHERE)?;
        let listener = socket.listen(0)?;
        let address = listener.local_addr()?;
        // Linux lets one connection into a queue of nought.
        let mut filling = Vec::new();
        while let Ok(connected) = tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(address)).await
            && filling.len() < 8
        {
            filling.push(connected?);
        }
        Ok(Self { address, _held: (listener, filling) })
    }
}

/// A port that is taken and not listened on, so that nobody else can get it.
struct Dead {
    address: SocketAddr,
    _held: TcpSocket,
}

impl Dead {
    fn open() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(ANYWHERE)?;
        Ok(Self { address: socket.local_addr()?, _held: socket })
    }
}

struct Service {
    behaviours: Arc<[Behaviour]>,
    ledger: Arc<Ledger>,
    keys: [Verifier; 1],
}

async fn accept(listener: TcpListener, service: Arc<Service>) {
    // Dropped, and with it every connection, when the receiver goes.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(attend(stream, service.clone()))),
                // Out of file descriptors, most likely; some become free.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn attend(mut stream: TcpStream, service: Arc<Service>) {
    // A peer that was killed breaks off; what it had sent before is noted.
    drop(converse(&mut stream, &service).await);
}

async fn converse(stream: &mut TcpStream, service: &Service) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut incoming = Incoming::new();
    while incoming.next(stream).await? {
        match service.note(&incoming) {
            Some(Behaviour::Answer { after }) => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                wire::write(stream, OK).await?;
            }
            // Reads on, which only ends when the other side gives up.
            Some(_) => {}
            None => return Ok(()),
        }
    }
    Ok(())
}

impl Service {
    fn note(&self, request: &Incoming) -> Option<Behaviour> {
        let (ledger, counts) = (&self.ledger, &self.ledger.counts);
        let at = ledger.now();
        let endpoint = request.path().strip_prefix('/').and_then(|path| path.parse::<usize>().ok());
        let (Some(endpoint), Some(message)) = (endpoint, number_in(request.body())) else {
            counts.strays.fetch_add(1, Relaxed);
            return Some(Behaviour::PROMPT);
        };
        let behaviour = self.behaviours.get(endpoint).copied()?;
        if matches!(behaviour, Behaviour::Answer { .. }) {
            ledger.note_arrival(endpoint, message, at);
        }
        if message.is_multiple_of(CHECK_EVERY) {
            counts.signatures_checked.fetch_add(1, Relaxed);
            let headers = SignatureHeaders::find(wire::headers(request.head()));
            let now = SystemClock.now().as_second();
            if verify(&headers, request.body(), now, TOLERANCE_SECONDS, &self.keys).is_err() {
                counts.signatures_wrong.fetch_add(1, Relaxed);
            }
        }
        Some(behaviour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::ledger::Reach;

    async fn receiver(behaviours: &[Behaviour]) -> (Receiver, Arc<Ledger>, Secret) {
        let ledger = Arc::new(Ledger::new(200, Reach::All, &vec![true; behaviours.len()]));
        let secret = Secret::from_random(&[7; 32]);
        (Receiver::start(behaviours, ledger.clone(), secret.clone()).await.unwrap(), ledger, secret)
    }

    async fn connect(url: &str) -> std::result::Result<Result<TcpStream>, tokio::time::error::Elapsed> {
        let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    }

    #[tokio::test]
    async fn arrivals_are_noted_and_signatures_checked() {
        let (receiver, ledger, secret) = receiver(&[Behaviour::PROMPT]).await;
        let mut stream = connect(&receiver.url(0)).await.unwrap().unwrap();
        let mut answer = Incoming::new();
        for (message, key) in [(100, secret), (5, Secret::from_random(&[8; 32])), (0, Secret::from_random(&[8; 32]))] {
            let body = format!(r#"{{"data":{{"bench_id":{}}}}}"#, 1_000_000_000 + message);
            let now = SystemClock.now().as_second();
            let signature = kanca_domain::signatures::sign(&key, "evt_1", now, body.as_bytes());
            let text = format!(
                "POST /0 HTTP/1.1\r\nwebhook-id: evt_1\r\nwebhook-timestamp: {now}\r\n\
                 webhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            wire::write(&mut stream, text.as_bytes()).await.unwrap();
            assert!(answer.next(&mut stream).await.unwrap());
            assert_eq!(answer.status(), 200);
        }
        assert_eq!(ledger.counts.delivered.load(Relaxed), 3);
        assert_eq!(ledger.counts.signatures_checked.load(Relaxed), 2);
        assert_eq!(ledger.counts.signatures_wrong.load(Relaxed), 1);
    }

    #[tokio::test]
    async fn black_holes_and_the_dead_are_what_they_are_called() {
        let (receiver, ..) = receiver(&[Behaviour::Silent, Behaviour::Unreachable, Behaviour::Dead]).await;
        assert!(connect(&receiver.url(0)).await.unwrap().is_ok(), "it takes requests");
        assert!(connect(&receiver.url(1)).await.is_err(), "nobody answers the attempt to connect");
        assert!(connect(&receiver.url(2)).await.unwrap().is_err(), "it refuses");
    }
}
