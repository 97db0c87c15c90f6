//! What the scenarios are played on: a fresh server, groups of endpoints on it, and the measuring of one group's load.

use super::Setting;
use super::api::Api;
use super::figures::{Figures, number, quantile};
use super::ledger::{Ledger, Reach};
use super::load::{self, Pace};
use super::message::{Request, Subject, numbered_type};
use super::receiver::Receiver;
use super::scenario::Plan;
use super::server::{Launch, Server};
use super::slow_sync::SlowSync;
use super::usage;
use crate::machine::SystemRandom;
use kanca_domain::signatures::Secret;
use kanca_engine::ports::Random as _;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tempfile::TempDir;

/// How long late duplicates are given before they are counted.
const AFTERMATH: Duration = Duration::from_millis(500);

/// A fresh server. It ends with its owner, and then its data is removed: in the order of these fields.
pub struct Stage {
    pub server: Server,
    pub slow_sync: Option<SlowSync>,
    _dir: TempDir,
}

impl Stage {
    pub async fn set(setting: &Setting) -> Result<Self, String> {
        let dir = setting.temporary_dir()?;
        let slow_sync = setting.sync_delay_us.map(|micros| SlowSync::build(dir.path(), micros)).transpose()?;
        let launch = Launch {
            program: setting.program.clone(),
            data_dir: dir.path().join("data"),
            api_key: random_key(),
            slow_sync: slow_sync.clone(),
        };
        Ok(Self { server: Server::start(launch).await?, slow_sync, _dir: dir })
    }
}

fn random_key() -> String {
    let mut bytes = [0; 24];
    SystemRandom.fill(&mut bytes);
    bytes.iter().fold("bench-".to_owned(), |mut key, byte| {
        // Writing to a text cannot fail.
        let _ = write!(key, "{byte:02x}");
        key
    })
}

/// Endpoints that get the same messages, and the book of them.
pub struct Group {
    pub ledger: Arc<Ledger>,
    request: Request,
    _receiver: Receiver,
}

impl Group {
    /// Makes the plan's endpoints, which nothing but `event_type` goes to.
    pub async fn create(server: &Server, plan: &Plan, event_type: &str, payload: usize) -> Result<Self, String> {
        let mut random = [0; 32];
        SystemRandom.fill(&mut random);
        let secret = Secret::from_random(&random);
        let ledger = Arc::new(Ledger::new(plan.messages, plan.reach, &plan.awaited()));
        let receiver = Receiver::start(&plan.endpoints, ledger.clone(), secret.clone()).await;
        let receiver = receiver.map_err(|e| format!("the receiver cannot be started: {e}"))?;
        let subject = Subject { event_type, numbered: plan.reach == Reach::One, payload };
        let mut api = Api::connect(server).await?;
        for endpoint in 0..plan.endpoints.len() {
            let wanted = if subject.numbered { numbered_type(event_type, endpoint) } else { event_type.to_owned() };
            let body = json!({
                "name": format!("{event_type} {endpoint}"), "url": receiver.url(endpoint),
                "event_types": [wanted], "format": "json", "secret": secret.reveal(),
            });
            api.call("POST", "/endpoints", &body.to_string()).await?;
        }
        let request = Request::new(server.address, server.api_key(), &subject);
        Ok(Self { ledger, request, _receiver: receiver })
    }

    /// Posts all messages; a refusal is an error, because what is measured then is something else.
    pub async fn post(&self, server: std::net::SocketAddr, pace: Pace) -> Result<(), String> {
        match load::post_all(server, &self.request, &self.ledger, pace).await {
            Some(refusal) => {
                let failed = self.ledger.counts.failed_posts.load(Relaxed);
                Err(format!("{failed} of {} posts were refused; the first: {refusal}", self.ledger.messages()))
            }
            None => Ok(()),
        }
    }

    /// Posts all messages, waits for their arrival, and says what that took.
    pub async fn measure(&self, server: &Server, pace: Pace) -> Result<Figures, String> {
        let cpu = Cpu::start(server.pid());
        self.post(server.address, pace).await?;
        load::arrived(&self.ledger).await;
        let (theirs, own) = cpu.spent();
        self.figures(server, theirs, own).await
    }

    /// What the book says, with the processor time of the server and of this process.
    pub async fn figures(&self, server: &Server, cpu: Duration, own_cpu: Duration) -> Result<Figures, String> {
        tokio::time::sleep(AFTERMATH).await;
        let memory = usage::memory(server.pid()).ok_or("the server has ended by itself")?;
        let (ledger, counts) = (&self.ledger, &self.ledger.counts);
        let count = |count: &std::sync::atomic::AtomicU64| number(count.load(Relaxed));
        let (accepting, arriving) = ledger.spans();
        let (acceptance, arrival) = (ledger.acceptance_times(), ledger.arrival_times());
        let delivered = count(&counts.delivered);
        let mut figures = Figures::default();
        figures.put("accepted", count(&counts.accepted));
        figures.put("accepted_per_s", count(&counts.accepted) / accepting.as_secs_f64());
        figures.put("accept_p50_ms", quantile(&acceptance, 500));
        figures.put("accept_p99_ms", quantile(&acceptance, 990));
        figures.put("delivered", delivered);
        figures.put("delivered_per_s", delivered / arriving.as_secs_f64());
        figures.put("arrival_p50_ms", quantile(&arrival, 500));
        figures.put("arrival_p99_ms", quantile(&arrival, 990));
        figures.put("arrival_max_ms", quantile(&arrival, 1000));
        figures.put("cpu_ms_per_delivery", cpu.as_secs_f64() * 1e3 / delivered);
        figures.put("bench_cpu_ms_per_delivery", own_cpu.as_secs_f64() * 1e3 / delivered);
        figures.put("peak_rss_mib", memory.peak);
        figures.put("lost", number(ledger.missing()));
        figures.put("duplicates", number(ledger.duplicates()));
        figures.put("failed_posts", count(&counts.failed_posts));
        figures.put("strays", count(&counts.strays));
        figures.put("signatures_checked", count(&counts.signatures_checked));
        figures.put("signatures_wrong", count(&counts.signatures_wrong));
        Ok(figures)
    }
}

/// Processor time since a moment, of a server and of this process.
pub struct Cpu {
    pid: u32,
    server: Duration,
    own: Duration,
}

impl Cpu {
    pub fn start(pid: u32) -> Self {
        Self { pid, server: usage::cpu(pid).unwrap_or_default(), own: own_cpu() }
    }

    pub fn spent(&self) -> (Duration, Duration) {
        let server = usage::cpu(self.pid).unwrap_or_default();
        (server.saturating_sub(self.server), own_cpu().saturating_sub(self.own))
    }
}

fn own_cpu() -> Duration {
    usage::cpu(std::process::id()).unwrap_or_default()
}
