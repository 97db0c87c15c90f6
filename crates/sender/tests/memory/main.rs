//! What endless receivers cost in memory. A test binary of its own, as it measures its process: the peak of the resident
//! set (`VmHWM`) while 64 exchanges at a time, 1,280 in all, meet receivers that never stop sending.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use async_trait::async_trait;
use bytes::Bytes;
use kanca_domain::addresses::AddressRules;
use kanca_engine::ports::{Method, OutgoingRequest, Route, SendFailureKind, Sender};
use kanca_sender::{GuardedClient, Resolve, Settings};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const AT_ONCE: usize = 64;
const ROUNDS: usize = 5;
/// What the exchanges may add to the process: 64 at a time, each with at most 64 KiB of head, 64 KiB of body and the
/// library's buffers, are 16 MiB; the receivers' tasks and the allocator's slack are in it, too.
const MOST_KIB: u64 = 48 * 1024;

struct Nobody;

#[async_trait]
impl Resolve for Nobody {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        Err(format!("{name} does not exist"))
    }
}

/// Says `first` and then `again` until nobody takes it, and counts.
async fn endless(first: &'static [u8], again: &'static [u8], said: Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let said = Arc::clone(&said);
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 512]).await;
                let mut next = first;
                while socket.write_all(next).await.is_ok() {
                    said.fetch_add(next.len() as u64, Ordering::Relaxed);
                    next = again;
                }
            });
        }
    });
    address
}

/// A line of `/proc/self/status` in KiB.
fn kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_receivers_cost_bounded_memory() {
    static KILOBYTES: [u8; 4096] = [b'x'; 4096];
    let said = Arc::new(AtomicU64::new(0));
    let mut receivers = Vec::new();
    for (first, again) in [
        (&b"HTTP/1.1 200 OK\r\n\r\n"[..], &KILOBYTES[..]),
        (b"HTTP/1.1 200 OK\r\nx: ", &KILOBYTES),
        (b"", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"x-trailer: y\r\n"),
    ] {
        receivers.push(endless(first, again, Arc::clone(&said)).await);
    }
    let rules = AddressRules::parse("127.0.0.1/32").unwrap();
    let settings = Settings { resolver: Arc::new(Nobody), ..Settings::new(rules, ([127, 0, 0, 1], 1).into()) };
    let client = Arc::new(GuardedClient::new(&settings));
    let before = kib("VmRSS");
    for _ in 0..ROUNDS {
        for &receiver in &receivers {
            let visits = (0..AT_ONCE).map(|_| {
                let client = Arc::clone(&client);
                let request = OutgoingRequest {
                    method: Method::Post,
                    url: format!("http://{receiver}/"),
                    headers: Vec::new(),
                    body: Bytes::from_static(b"{}"),
                    timeout: Duration::from_secs(5),
                    response_limit: 64 * 1024,
                    route: Route::Guarded,
                    identity: None,
                    proxy: None,
                };
                tokio::spawn(async move { client.send(request).await.result })
            });
            for visit in visits.collect::<Vec<_>>() {
                match visit.await.unwrap() {
                    Ok(response) => assert!(response.truncated),
                    Err(failure) => {
                        assert_eq!(failure.kind, SendFailureKind::Protocol, "{failure:?}");
                    }
                }
            }
        }
    }
    let (peak, said) = (kib("VmHWM"), said.load(Ordering::Relaxed) / 1024);
    let added = peak.saturating_sub(before);
    println!(
        "{} exchanges, {said} KiB sent at them, {added} KiB added at the peak",
        AT_ONCE * ROUNDS * receivers.len()
    );
    assert!(added < MOST_KIB, "{added} KiB were added while {said} KiB came");
}
