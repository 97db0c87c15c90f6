//! How fast messages are accepted and their outcomes recorded, each caller waiting for its own synced commit.
//!
//! `cargo run --release -p kanca-storage-sqlite --example lifecycle -- [callers] [seconds] [body bytes] [deliveries] [ordering keys]`
//! A lifecycle is one `accept_event` and then one `record_outcome` for each of its deliveries.

use jiff::Timestamp;
use kanca_domain::attempts::Timings;
use kanca_domain::events::EventData;
use kanca_domain::formats::Format;
use kanca_domain::ids::{AttemptId, DeliveryId, EndpointId, EventId, Id, ProjectId};
use kanca_storage::Storage;
use kanca_storage::deliveries::{AttemptRecord, NewDelivery, Outcome, ReceivedResponse, SentRequest, Verdict};
use kanca_storage::events::NewEvent;
use kanca_storage::{deliveries::Deliveries, events::Events};
use kanca_storage_sqlite::{Options, SqliteStorage};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

struct Ids {
    start: Instant,
    next: AtomicU64,
}

impl Ids {
    fn id<I: Id>(&self) -> I {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let mut random = [0; 10];
        random[..8].copy_from_slice(&n.to_be_bytes());
        I::new(1_700_000_000_000 + u64::try_from(self.start.elapsed().as_millis()).unwrap_or(0), &random)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(1_700_000_000_000_000).unwrap_or_default() + self.start.elapsed()
    }
}

struct Load {
    storage: SqliteStorage,
    ids: Ids,
    project: ProjectId,
    endpoints: Vec<EndpointId>,
    data: EventData,
    keys: u64,
}

impl Load {
    async fn one(&self, times: &mut Vec<Duration>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let now = self.ids.now();
        let delivery = |endpoint: &EndpointId| NewDelivery {
            id: self.ids.id(),
            endpoint_id: *endpoint,
            queue_key: (self.keys > 0).then(|| format!("key-{}", self.ids.next.load(Ordering::Relaxed) % self.keys)),
            due: now,
            waiter: None,
            claim: true,
        };
        let event = NewEvent {
            id: self.ids.id::<EventId>(),
            project_id: self.project,
            event_type: "order.paid".parse()?,
            timestamp: now,
            accepted_at: now,
            data: self.data.clone(),
            ordering_key: None,
            idempotency: None,
            hops: 0,
            test: false,
            explanation: Vec::new(),
            deliveries: self.endpoints.iter().map(delivery).collect(),
        };
        let deliveries: Vec<DeliveryId> = event.deliveries.iter().map(|d| d.id).collect();
        let begun = Instant::now();
        self.storage.accept_event(event).await?;
        times.push(begun.elapsed());
        for delivery_id in deliveries {
            let outcome =
                Outcome { delivery_id, attempt: Some(self.attempt()), verdict: Verdict::Delivered, at: self.ids.now() };
            self.storage.record_outcome(&outcome).await?;
        }
        Ok(())
    }

    fn attempt(&self) -> AttemptRecord {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let sent = |name: &'static str, value: &'static str| (name.into(), value.into());
        AttemptRecord {
            id: self.ids.id::<AttemptId>(),
            number: 1,
            started_at: self.ids.now(),
            duration_us: 900,
            success: true,
            reason_code: "ok".into(),
            reason: "200 OK".into(),
            manual: false,
            format: Format::Json,
            request: SentRequest {
                method: "POST".into(),
                url: "https://example.com/hooks/orders".into(),
                headers: vec![
                    sent("host", "example.com"),
                    sent("user-agent", "Kanca/0.1.0 (+webhooks)"),
                    sent("content-length", "120"),
                    sent("content-type", "application/json"),
                    sent("webhook-id", "evt_0190163d8694739bb18ee9f3a4b9d1e3"),
                    sent("webhook-timestamp", "1700000000"),
                    sent("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
                ],
            },
            request_body: None,
            response: Some(ReceivedResponse {
                status: 200,
                headers: vec![header("content-type", "text/plain"), header("content-length", "2")],
                body: "ok".into(),
                truncated: false,
            }),
            timings: Some(Timings { first_byte_us: Some(700), total_us: 850, reused: true, ..Timings::default() }),
        }
    }
}

/// CPU seconds used by the process, and by the writer's thread.
fn cpu_seconds() -> (f64, f64) {
    let (mut all, mut writer) = (0.0, 0.0);
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |name| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let nanos: f64 = read("schedstat").split(' ').next().and_then(|n| n.parse().ok()).unwrap_or_default();
        all += nanos / 1e9;
        if read("comm").trim() == "kanca-writer" {
            writer = nanos / 1e9;
        }
    }
    (all, writer)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let argument = |i: usize, default| arguments.get(i).copied().unwrap_or(default);
    let (callers, seconds, bytes, fan_out, keys) =
        (argument(0, 64), argument(1, 5), argument(2, 1024), argument(3, 1), argument(4, 0));
    let defaults = Options::default();
    let options = Options {
        page_size: u32::try_from(argument(5, u64::from(defaults.page_size)))?,
        checkpoint_pages: argument(6, defaults.checkpoint_pages),
        ..defaults
    };
    let dir = std::env::temp_dir().join(format!("kanca-lifecycle-{}", std::process::id()));
    let ids = Ids { start: Instant::now(), next: AtomicU64::new(1) };
    let filler = "x".repeat(usize::try_from(bytes)?);
    let load = Arc::new(Load {
        storage: SqliteStorage::open_with(&dir, &options)?,
        project: ids.id(),
        endpoints: (0..fan_out).map(|_| ids.id()).collect(),
        ids,
        data: EventData::parse(format!("\"{filler}\"").as_bytes())?,
        keys,
    });
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let load = load.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                while begun.elapsed() < Duration::from_secs(seconds) {
                    load.one(&mut times).await?;
                }
                Ok::<_, Box<dyn Error + Send + Sync>>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let took = begun.elapsed().as_secs_f64();
    let (all, writer) = cpu_seconds();
    times.sort_unstable();
    let wal = std::fs::metadata(dir.join("kanca.db-wal"))?.len();
    let at = |share: usize| times.get(times.len() * share / 1000).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let rate = |n: usize| n as f64 / took;
    println!(
        "{callers} callers, {bytes} bytes, {fan_out} deliveries each: {:.0} lifecycles/s ({:.0} deliveries/s)",
        rate(times.len()),
        rate(times.len() * usize::try_from(fan_out)?)
    );
    println!("accept: p50 {:?}, p99 {:?}, max {:?}", at(500), at(990), times.last().copied().unwrap_or_default());
    let each = 1e6 / (rate(times.len()) * took);
    println!("CPU: {:.1} us each, of which the writer {:.1} us", all * each, writer * each);
    println!(
        "commits: {} ({:.0}/s); log {} MiB",
        load.storage.commits(),
        f64::from(u32::try_from(load.storage.commits())?) / took,
        wal >> 20
    );
    let counts = load.storage.delivery_counts(load.project).await?;
    assert_eq!(counts.delivered, (times.len() as u64) * fan_out, "every delivery is counted once");
    load.storage.close().await?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
