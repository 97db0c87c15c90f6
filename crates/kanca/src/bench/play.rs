//! One run of each scenario, from a fresh server to its figures.

use super::Setting;
use super::backlog::backlog;
use super::figures::{Figures, number};
use super::load::{self, Pace};
use super::scenario::{PAYLOAD, Plan, Scenario};
use super::stage::{Cpu, Group, Stage};
use super::usage;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

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

pub fn pace(plan: &Plan, setting: &Setting) -> Pace {
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
        while ledger.counts.accepted.load(Relaxed) < half && !ledger.all_taken() {
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
