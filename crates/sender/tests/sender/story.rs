//! The words that the stories are told in: a client, its rules and names, and what came of a request.

use async_trait::async_trait;
use bytes::Bytes;
use kanca_domain::addresses::AddressRules;
use kanca_engine::ports::{IncomingResponse, Method, OutgoingRequest, Route, SendFailure, SendFailureKind, Sender};
use kanca_sender::{GuardedClient, Resolve, Settings};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Names of these stories; each look-up of a name takes its next answer, the last one stays.
#[derive(Default)]
pub struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub looked_up: AtomicUsize,
}

impl Names {
    /// `a.example 8.8.8.8, 10.0.0.1 / 127.0.0.1`: two addresses at first, another at later look-ups.
    pub fn of(lines: &[&str]) -> Arc<Self> {
        let answers = lines.iter().map(|line| {
            let (name, answers) = line.split_once(' ').unwrap();
            let list = |answer: &str| answer.split(',').map(|ip| ip.trim().parse().unwrap()).collect();
            (name.to_owned(), answers.split('/').map(list).collect())
        });
        Arc::new(Self { answers: Mutex::new(answers.collect()), looked_up: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        self.looked_up.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let known = answers.get_mut(name).ok_or_else(|| format!("{name} does not exist"))?;
        Ok(if known.len() > 1 { known.remove(0) } else { known[0].clone() })
    }
}

/// A client that refuses private addresses except in these ranges, knows these names, and takes `own` for Kanca itself.
pub fn settings(open: &str, names: &Arc<Names>, own: SocketAddr) -> Settings {
    let names: Arc<Names> = Arc::clone(names);
    Settings { resolver: names, ..Settings::new(AddressRules::parse(open).unwrap(), own) }
}

/// A client that may dial `127.0.0.1`.
pub fn open_client() -> GuardedClient {
    GuardedClient::new(&settings("127.0.0.1/32", &Names::of(&[]), nowhere()))
}

/// A client as it is without configuration: loopback is refused.
pub fn strict_client(names: &Arc<Names>) -> GuardedClient {
    GuardedClient::new(&settings("", names, nowhere()))
}

/// An address where nobody listens.
pub fn nowhere() -> SocketAddr {
    ([127, 0, 0, 1], 1).into()
}

/// A small request with a second to live.
pub fn request(url: impl Into<String>) -> OutgoingRequest {
    OutgoingRequest {
        method: Method::Post,
        url: url.into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: Bytes::from_static(b"{}"),
        timeout: Duration::from_secs(1),
        response_limit: 64 * 1024,
        route: Route::Guarded,
        identity: None,
        proxy: None,
    }
}

/// The failure of a request, which must come within its deadline.
pub async fn fails(client: &GuardedClient, request: OutgoingRequest) -> (SendFailureKind, String) {
    let (start, limit) = (Instant::now(), request.timeout);
    let result: Result<IncomingResponse, SendFailure> = client.send(request).await.result;
    let failure = result.expect_err("a failure");
    assert!(start.elapsed() < limit + Duration::from_millis(250), "{:?} for {limit:?}", start.elapsed());
    (failure.kind, failure.detail)
}
