//! One run of each scenario, from a fresh server to its figures.

use super::Setting;
use super::api::Api;
use super::disk;
use super::figures::{Figures, number};
use super::load::{self, Pace};
use super::receiver::Behaviour;
use super::scenario::{PAYLOAD, Plan, SMALL_PAYLOAD, Scenario};
use super::stage::{Cpu, Group, Stage};
use super::usage;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Disk that each pending delivery of the backlog may take, in KiB.
const BACKLOG_KIB: u64 = 2;
/// The healthy endpoint's load beside the backlog.
const HEALTHY_PER_SECOND: u32 = 200;

/// Plays a scenario once.
///
/// # Errors
/// A sentence, when it could not be played to its end.
pub async fn play(scenario: Scenario, setting: &Setting) -> Result<Figures, String> {
    let run = async {
        let mut stage = Stage::set(setting).await?;
        let plan = scenario.plan(setting.quick);
        let mut figures = match scenario {
            Scenario::S5 => crash(&mut stage, &plan, setting).await?,
            Scenario::Backlog => backlog(&mut stage, &plan, setting).await?,
            _ => {
                let group = Group::create(&stage.server, &plan, "bench.e", PAYLOAD).await?;
                group.measure(&stage.server, pace(&plan, setting)).await?
            }
        };
        if let Some(slow_sync) = &stage.slow_sync {
            let syncs = slow_sync.syncs();
            if syncs == 0 {
                return Err("the delay did not reach the server's syncs: it is linked statically, or the directory \
                            given with --data-dir is mounted noexec"
                    .into());
            }
            figures.put("syncs", number(syncs));
        }
        Ok(figures)
    };
    let deadline = scenario.deadline();
    let late = |_| format!("it did not end within {} minutes", deadline.as_secs() / 60);
    tokio::time::timeout(deadline, run).await.map_err(late).flatten().map_err(|e| format!("{}: {e}", scenario.name()))
}

fn pace(plan: &Plan, setting: &Setting) -> Pace {
    Pace { connections: setting.connections, per_second: plan.per_second }
}

/// The server is killed when half of the messages are accepted, and started again; the load goes on.
async fn crash(stage: &mut Stage, plan: &Plan, setting: &Setting) -> Result<Figures, String> {
    let group = Group::create(&stage.server, plan, "bench.e", PAYLOAD).await?;
    let ledger = group.ledger.clone();
    let cpu = Cpu::start(stage.server.pid());
    let address = stage.server.address;
    let server = &mut stage.server;
    let killing = async {
        let half = plan.messages as u64 / 2;
        while ledger.counts.accepted.load(Relaxed) < half {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (before_kill, _) = cpu.spent();
        server.kill();
        let killed = (ledger.now(), ledger.missing());
        let ready = server.restart().await?;
        Ok::<_, String>((killed, ready, before_kill))
    };
    let (posted, killed) = tokio::join!(group.post(address, pace(plan, setting)), killing);
    let ((killed_at, undelivered), ready, before_kill) = killed?;
    posted?;
    load::arrived(&ledger).await;
    let after_kill = usage::cpu(stage.server.pid()).unwrap_or_default();
    let mut figures = group.figures(&stage.server, before_kill + after_kill, cpu.spent().1).await?;
    let since_kill = |at: u64| Duration::from_nanos(at.saturating_sub(killed_at)).as_secs_f64();
    figures.put("undelivered_at_kill", number(undelivered));
    figures.put("ready_s", ready.as_secs_f64());
    figures.put("recovered_s", since_kill(ledger.last_arrival_of_accepted_by(killed_at)));
    figures.put("all_delivered_s", since_kill(ledger.last_arrival_of_accepted_by(u64::MAX)));
    Ok(figures)
}

/// A healthy endpoint alone; then the backlog; then a restart, and the healthy endpoint again.
async fn backlog(stage: &mut Stage, plan: &Plan, setting: &Setting) -> Result<Figures, String> {
    let needed = plan.messages as u64 * BACKLOG_KIB / 1024;
    if disk::free_mib(&setting.parent).is_some_and(|free| free < needed) {
        let parent = setting.parent.display();
        return Err(format!("it needs {needed} MiB of disk in {parent}; choose another directory with --data-dir"));
    }
    let before = healthy(stage, 5, "bench.before", setting).await?;

    let dead = Group::create(&stage.server, plan, "bench.dead", SMALL_PAYLOAD).await?;
    let begun = Instant::now();
    dead.post(stage.server.address, pace(plan, setting)).await?;
    let filled = number(plan.messages as u64) / begun.elapsed().as_secs_f64();
    let filled_peak = usage::memory(stage.server.pid()).map_or(f64::NAN, |memory| memory.peak);

    stage.server.kill();
    let ready = stage.server.restart().await?;
    let at_start = usage::memory(stage.server.pid()).map_or(f64::NAN, |memory| memory.now);
    let seconds = if setting.quick { 2 } else { 20 };
    let mut figures = healthy(stage, seconds, "bench.after", setting).await?;

    let overview = Api::connect(&stage.server).await?.call("GET", "/overview", None).await?;
    let pending = overview["deliveries"]["pending"].as_u64().ok_or("the overview does not count deliveries")?;
    let gone = dead.ledger.counts.accepted.load(Relaxed).saturating_sub(pending);
    figures.put("pending", number(pending));
    figures.put("gone", number(gone));
    figures.put("filled_per_s", filled);
    figures.put("filling_peak_rss_mib", filled_peak);
    figures.put("ready_s", ready.as_secs_f64());
    figures.put("ready_rss_mib", at_start);
    figures.put("before_arrival_p99_ms", before.count("arrival_p99_ms"));
    Ok(figures)
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
