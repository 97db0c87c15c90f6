//! How many requests the sender makes and what one costs it: 64 in flight, 1 KiB each, over loopback.
//!
//! `cargo run --release -p kanca-sender --example throughput -- [seconds] [in flight] [threads]`
//!
//! Sender and receiver run in this process on runtimes of their own, so that their CPU time can be told apart: what is
//! printed for the sender is the CPU time of its threads alone.

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kanca_domain::addresses::AddressRules;
use kanca_engine::ports::{Method, OutgoingRequest, Route, Sender};
use kanca_sender::{GuardedClient, Resolve, Settings};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let seconds = arguments.next().unwrap_or(4).min(60);
    let in_flight = arguments.next().unwrap_or(64);
    let threads = usize::try_from(arguments.next().unwrap_or(1)).expect("few threads");

    let receiving = runtime("receiver", 1);
    let address = receiving.block_on(receiver());
    let sending = runtime("sender", threads);

    let before = cpu("sender");
    let (requests, elapsed) = sending.block_on(send_all(address, Duration::from_secs(seconds), in_flight));
    let spent = cpu("sender").saturating_sub(before);
    println!(
        "{requests} requests in {:.2} s: {:.0}/s, sender CPU {:.1} us/request ({in_flight} in flight, {threads} threads)",
        elapsed.as_secs_f64(),
        per(requests, elapsed),
        1e6 / per(requests, spent),
    );
}

#[expect(clippy::cast_precision_loss, reason = "a count of seconds' requests")]
fn per(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn runtime(name: &str, threads: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build().expect("a runtime")
}

/// Answers each POST with an empty 200.
async fn receiver() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            socket.set_nodelay(true).ok();
            let service = service_fn(|request: hyper::Request<Incoming>| async {
                request.into_body().collect().await.map(|_| Response::new(Full::new(Bytes::new())))
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            tokio::spawn(connection);
        }
    });
    address
}

struct Loopback;

#[async_trait]
impl Resolve for Loopback {
    async fn resolve(&self, _: &str) -> Result<Vec<IpAddr>, String> {
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    }
}

async fn send_all(address: SocketAddr, time: Duration, in_flight: u64) -> (u64, Duration) {
    let rules = AddressRules::parse("127.0.0.0/8").expect("a range");
    let settings = Settings { resolver: Arc::new(Loopback), ..Settings::new(rules, address) };
    let client = Arc::new(GuardedClient::new(&settings));
    let sent = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let (client, sent) = (Arc::clone(&client), Arc::clone(&sent));
            tokio::spawn(async move {
                while start.elapsed() < time {
                    let response = client.send(request(address.port())).await.result.expect("an answer");
                    assert_eq!(response.status, 200);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    (sent.load(Ordering::Relaxed), start.elapsed())
}

/// As the engine makes them: six headers and 1 KiB.
fn request(port: u16) -> OutgoingRequest {
    static BODY: [u8; 1024] = [b'x'; 1024];
    let header = |name: &'static str, value: &'static str| (name.into(), value.into());
    OutgoingRequest {
        method: Method::Post,
        url: format!("http://receiver.example:{port}/webhooks/incoming?source=kanca"),
        headers: vec![
            header("content-type", "application/json"),
            header("webhook-id", "evt_0190a5b7c3d87f2e9a4b6c8d0e1f2a3b"),
            header("webhook-timestamp", "1764000000"),
            header("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
            header("x-tenant", "shop"),
            header("kanca-hops", "1"),
        ],
        body: Bytes::from_static(&BODY),
        timeout: Duration::from_secs(15),
        response_limit: 64 * 1024,
        route: Route::Guarded,
        identity: None,
        proxy: None,
    }
}

/// CPU time of the threads of that name, from the kernel's ledger (ticks of 10 ms).
fn cpu(name: &str) -> Duration {
    let mut ticks = 0;
    for task in std::fs::read_dir("/proc/self/task").expect("Linux").flatten() {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == name {
            let stat = read("stat");
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            ticks += fields[11].parse::<u64>().unwrap_or(0) + fields[12].parse::<u64>().unwrap_or(0);
        }
    }
    Duration::from_millis(ticks * 10)
}
