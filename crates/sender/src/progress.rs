//! How far an exchange has come and how long each step took, so that a deadline can say what was waited for and a person
//! can see where the time went.

use crate::failures::timeout;
use kanca_domain::attempts::Timings;
use kanca_engine::ports::{SendFailure, SendFailureKind as Kind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What an exchange waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet: the request is made ready.
    Start,
    LookUp,
    /// Connecting to the proxy.
    ProxyConnect,
    /// Waiting for what the proxy says.
    ProxyAnswer,
    Connect,
    Tls,
    Answer,
    Body,
}

/// The step that an exchange has reached, since when, and the times of those before.
pub struct Progress {
    step: Step,
    start: Instant,
    since: Instant,
    timings: Timings,
}

impl Progress {
    pub fn new() -> Self {
        let now = Instant::now();
        Self { step: Step::Start, start: now, since: now, timings: Timings::default() }
    }

    /// The step before is over.
    pub fn reach(&mut self, step: Step) {
        self.close(Instant::now());
        self.step = step;
    }

    /// This address is dialled.
    pub fn dial(&mut self, address: SocketAddr) {
        self.timings.remote = Some(address);
    }

    /// An open connection to this address is used.
    pub fn reuse(&mut self, address: SocketAddr) {
        self.step = Step::Answer;
        self.timings = Timings { reused: true, remote: Some(address), ..Timings::default() };
    }

    /// The open connection turned out to be closed: a fresh one is made.
    pub fn start_afresh(&mut self) {
        self.step = Step::Start;
        self.timings = Timings::default();
    }

    /// The failure of an exchange that did not get past this step within `limit`.
    pub fn overdue(&self, limit: Duration) -> SendFailure {
        let (kind, doing) = match self.step {
            Step::LookUp => (Kind::Timeout, "the name look-up"),
            Step::ProxyConnect => (Kind::ProxyUnreachable, "connecting to the proxy"),
            Step::ProxyAnswer => (Kind::ProxyUnreachable, "waiting for the proxy's answer"),
            Step::Start | Step::Connect => (Kind::Timeout, "connecting"),
            Step::Tls => (Kind::Timeout, "the TLS handshake"),
            Step::Answer => (Kind::Timeout, "waiting for the response"),
            Step::Body => (Kind::Timeout, "the response's body"),
        };
        SendFailure { kind, ..timeout(limit, doing) }
    }

    /// The exchange is over.
    pub fn end(mut self) -> Timings {
        let now = Instant::now();
        self.close(now);
        Timings { total_us: micros(now - self.start), ..self.timings }
    }

    /// Adds the time since the last call to the step that it was spent in; a step can come twice.
    fn close(&mut self, now: Instant) {
        let spent = micros(now - self.since);
        self.since = now;
        let sum = match self.step {
            Step::LookUp => &mut self.timings.dns_us,
            Step::Connect | Step::ProxyConnect | Step::ProxyAnswer => &mut self.timings.connect_us,
            Step::Tls => &mut self.timings.tls_us,
            Step::Answer => &mut self.timings.first_byte_us,
            Step::Start | Step::Body => return,
        };
        *sum = Some(sum.unwrap_or_default().saturating_add(spent));
    }
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
