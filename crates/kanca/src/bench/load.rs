//! Posts the messages of one run and waits for their arrival.

use super::ledger::Ledger;
use super::message::Request;
use super::wire::{self, Incoming};
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Deliveries count as lost when nothing new has arrived for so long.
const IDLE: Duration = Duration::from_secs(30);
/// How long a broken connection is tried again, and how often.
const RECONNECT: Duration = Duration::from_mins(1);
const RECONNECT_EVERY: Duration = Duration::from_millis(10);

/// How messages are posted.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub connections: usize,
    /// Messages a second, whatever the answers do; `None`: each connection posts when it has its answer.
    pub per_second: Option<u32>,
}

/// Posts all messages. At a fixed rate, a message that is due while every connection is busy counts as sent when it was
/// due: a server that stalls is not spared the waiting.
///
/// Returns the first refusal in words, if there was one.
pub async fn post_all(server: SocketAddr, request: &Request, ledger: &Arc<Ledger>, pace: Pace) -> Option<String> {
    let refusal = Arc::new(Mutex::new(None));
    let begun = ledger.now();
    let mut posting = JoinSet::new();
    for _ in 0..pace.connections {
        let poster = Poster { server, connection: None, request: request.clone(), ledger: ledger.clone() };
        posting.spawn(poster.post(pace.per_second, begun, refusal.clone()));
    }
    while posting.join_next().await.is_some() {}
    refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// One connection that posts.
struct Poster {
    server: SocketAddr,
    connection: Option<(TcpStream, Incoming)>,
    request: Request,
    ledger: Arc<Ledger>,
}

impl Poster {
    async fn post(mut self, per_second: Option<u32>, begun: u64, refusal: Arc<Mutex<Option<String>>>) {
        while let Some(message) = self.ledger.take() {
            let mut sent = self.ledger.now();
            if let Some(rate) = per_second {
                let due = begun + message as u64 * 1_000_000_000 / u64::from(rate.max(1));
                if due > sent {
                    tokio::time::sleep(Duration::from_nanos(due - sent)).await;
                    sent = self.ledger.now();
                } else {
                    sent = due;
                }
            }
            self.ledger.note_sent(message, sent);
            match self.exchange(message).await {
                Ok(202) => self.ledger.note_accepted(message),
                failed => {
                    self.ledger.counts.failed_posts.fetch_add(1, Relaxed);
                    let words = match (&failed, &self.connection) {
                        (Ok(status), Some((_, answer))) => {
                            Some(format!("{status} {}", String::from_utf8_lossy(answer.body())))
                        }
                        _ => None,
                    };
                    if let Some(words) = words {
                        refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(words);
                    }
                    if failed.is_err() && !self.reconnect().await {
                        return;
                    }
                }
            }
        }
    }

    /// Sends a message and reads the answer. Nothing is sent twice: after an error it is not known if it was taken.
    async fn exchange(&mut self, message: usize) -> std::io::Result<u16> {
        if self.connection.is_none() {
            self.connect().await?;
        }
        let endpoint = self.ledger.endpoint_of(message);
        let Some((stream, answer)) = &mut self.connection else { return Err(std::io::ErrorKind::NotConnected.into()) };
        wire::write(stream, self.request.bytes(message, endpoint)).await?;
        if answer.next(stream).await? { Ok(answer.status()) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
    }

    async fn connect(&mut self) -> std::io::Result<()> {
        self.connection = None;
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        self.connection = Some((stream, Incoming::new()));
        Ok(())
    }

    async fn reconnect(&mut self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < RECONNECT {
            if self.connect().await.is_ok() {
                return true;
            }
            tokio::time::sleep(RECONNECT_EVERY).await;
        }
        false
    }
}

/// Waits until everything that was accepted has arrived, or nothing new comes any more.
pub async fn arrived(ledger: &Ledger) {
    let (mut seen, mut since) = (0, Instant::now());
    while !ledger.all_arrived() {
        let delivered = ledger.counts.delivered.load(Relaxed);
        if delivered != seen {
            (seen, since) = (delivered, Instant::now());
        } else if since.elapsed() > IDLE {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
