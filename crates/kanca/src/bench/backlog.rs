//! The backlog: a restart with a million deliveries that wait for a dead endpoint, and a healthy endpoint beside them.

use super::Setting;
use super::api::Api;
use super::disk;
use super::figures::{Figures, number};
use super::play::pace;
use super::receiver::Behaviour;
use super::scenario::{PAYLOAD, Plan, Scenario};
use super::stage::{Group, Stage};
use super::usage;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;
use tokio::task::JoinSet;

/// Disk that each pending delivery may take, in KiB.
const DISK_KIB: u64 = 2;
/// Events that are published by one call, and calls at a time.
const BATCH: usize = 1_000;
const PUBLISHERS: usize = 4;
/// The healthy endpoint's load.
const HEALTHY_PER_SECOND: u32 = 200;

/// A healthy endpoint alone; then the backlog; then a kill and a restart, and a healthy endpoint again.
///
/// # Errors
/// A sentence, when it could not be played to its end.
pub async fn backlog(stage: &mut Stage, plan: &Plan, setting: &Setting) -> Result<Figures, String> {
    let needed = plan.messages as u64 * DISK_KIB / 1024;
    if disk::free_mib(&setting.parent).is_some_and(|free| free < needed) {
        let parent = setting.parent.display();
        return Err(format!("it needs {needed} MiB of disk in {parent}; choose another directory with --data-dir"));
    }
    let before = healthy(stage, 5, "bench.before", setting).await?;

    // Its receiver only holds the port at which nobody listens.
    let dead = Plan { messages: 0, ..plan.clone() };
    let _dead = Group::create(&stage.server, &dead, "bench.dead", PAYLOAD).await?;
    let begun = Instant::now();
    fill(stage, "bench.dead", plan.messages).await?;
    let filled = number(plan.messages as u64) / begun.elapsed().as_secs_f64();
    let filled_peak = usage::memory(stage.server.pid()).map_or(f64::NAN, |memory| memory.peak);

    stage.server.kill();
    let ready = stage.server.restart().await?;
    let at_start = usage::memory(stage.server.pid()).map_or(f64::NAN, |memory| memory.now);
    let seconds = if setting.quick { 2 } else { 20 };
    let mut figures = healthy(stage, seconds, "bench.after", setting).await?;

    let overview = Api::connect(&stage.server).await?.call("GET", "/overview", "").await?;
    let pending = overview["deliveries"]["pending"].as_u64().ok_or("the overview does not count deliveries")?;
    figures.put("pending", number(pending));
    figures.put("gone", number((plan.messages as u64).saturating_sub(pending)));
    figures.put("filled_per_s", filled);
    figures.put("filling_peak_rss_mib", filled_peak);
    figures.put("ready_s", ready.as_secs_f64());
    figures.put("ready_rss_mib", at_start);
    figures.put("before_arrival_p99_ms", before.count("arrival_p99_ms"));
    Ok(figures)
}

/// Publishes so many events that only the dead endpoint wants, a thousand by each call.
async fn fill(stage: &Stage, event_type: &str, events: usize) -> Result<(), String> {
    let event = format!(r#"{{"type":"{event_type}","data":{{}}}}"#);
    let body: Arc<str> = format!(r#"{{"events":[{}]}}"#, vec![event.as_str(); BATCH].join(",")).into();
    let calls = Arc::new(AtomicUsize::new(events / BATCH));
    let mut publishing = JoinSet::new();
    for _ in 0..PUBLISHERS {
        let (mut api, body, calls) = (Api::connect(&stage.server).await?, body.clone(), calls.clone());
        publishing.spawn(async move {
            while calls.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                api.call("POST", "/events/batch", &body).await?;
            }
            Ok::<_, String>(())
        });
    }
    while let Some(done) = publishing.join_next().await {
        done.map_err(|e| format!("publishing the backlog broke off: {e}"))??;
    }
    Ok(())
}

/// So many seconds of steady load to a healthy endpoint of its own.
async fn healthy(stage: &Stage, seconds: u32, event_type: &str, setting: &Setting) -> Result<Figures, String> {
    let plan = Plan {
        messages: usize::try_from(seconds * HEALTHY_PER_SECOND).unwrap_or(0),
        endpoints: vec![Behaviour::PROMPT],
        per_second: Some(HEALTHY_PER_SECOND),
        ..Scenario::S4.plan(false)
    };
    let group = Group::create(&stage.server, &plan, event_type, PAYLOAD).await?;
    group.measure(&stage.server, pace(&plan, setting)).await
}
