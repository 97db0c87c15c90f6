//! What is kept no longer is dropped, once a minute: by age for each project, and by size for the whole installation.
//!
//! Age is measured with a clock of its own, which goes forward by at most an hour in each pass (a minute) and is kept over
//! restarts. After a long pause it catches up within a day; a machine whose clock jumps into another century loses in its
//! first hours only what was about to go anyway.

use crate::Engine;
use crate::errors::Result;
use jiff::{SignedDuration, Timestamp};
use kanca_domain::ids::{EventId, ProjectId};
use kanca_domain::projects::Retention as Options;
use kanca_storage::accounts::ProjectRecord;
use kanca_storage::retention::{Dropped, Oldest};
use std::collections::HashMap;
use std::time::Duration;

/// How often what is old is looked for.
const PASS: Duration = Duration::from_mins(1);
/// How far the clock of retention goes forward at most in a pass.
const STEP: SignedDuration = SignedDuration::from_hours(1);
/// Rows that a portion looks at.
const PORTION: u32 = 1_000;
/// Portions of a project in one pass; the next pass goes on where this one stopped.
const PORTIONS: u32 = 1_000;
/// The setting that keeps the clock of retention, in milliseconds since the Unix epoch.
const CLOCK_SETTING: &str = "retention_clock";

/// What a pass goes on from; a new one is as good, only later.
#[derive(Debug, Default)]
pub struct Keeper {
    clock: Option<Timestamp>,
    stored: Option<Timestamp>,
    unfinished: HashMap<ProjectId, EventId>,
    unfinished_by_size: Oldest,
    too_large: bool,
}

/// How much a pass dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    pub events: u64,
    pub deliveries: u64,
    pub attempts: u64,
    pub requests: u64,
}

impl Engine {
    /// Drops what is old, again and again. Runs until the process stops.
    pub(crate) async fn retain(&self) {
        let mut keeper = Keeper::default();
        loop {
            tokio::time::sleep(PASS).await;
            match self.drop_what_is_old(&mut keeper).await {
                Ok(report) if report != Report::default() => {
                    let Report { events, deliveries, attempts, requests } = report;
                    tracing::info!(events, deliveries, attempts, requests, "what is kept no longer was dropped");
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "old data was not dropped; it is tried again in a minute"),
            }
        }
    }

    /// One pass over everything that may be old.
    ///
    /// # Errors
    /// When storage fails; what was dropped before stays dropped.
    pub async fn drop_what_is_old(&self, keeper: &mut Keeper) -> Result<Report> {
        let mut report = Report::default();
        // The log of a full disk has no room for deletions either.
        if !self.writable() {
            return Ok(report);
        }
        let now = self.retention_clock(keeper).await?;
        let projects: Vec<_> = self.snapshot.load().projects.values().cloned().collect();
        for project in projects {
            if let Some(before) = self.kept_since(&project, now) {
                self.drop_events_of(&project, before, keeper, &mut report).await?;
                self.drop_requests_of(project.id, before, &mut report).await?;
            }
        }
        self.drop_what_is_too_much(keeper, &mut report).await?;
        Ok(report)
    }

    /// The clock that age is measured with.
    async fn retention_clock(&self, keeper: &mut Keeper) -> Result<Timestamp> {
        let last = match keeper.clock {
            Some(clock) => clock,
            None => self.last_retention_clock().await?,
        };
        let clock = self.clock.now().min(last.saturating_add(STEP).unwrap_or(last));
        keeper.clock = Some(clock);
        let is_kept = keeper.stored.is_some_and(|stored| clock.duration_since(stored).abs() < STEP);
        if !is_kept {
            let millis = clock.as_millisecond().to_string();
            self.storage.save_setting(CLOCK_SETTING, Some(millis)).await.map_err(|error| self.note_storage(error))?;
            keeper.stored = Some(clock);
        }
        Ok(clock)
    }

    /// Where the clock was when the process ended; at the very first, when something was last stored.
    async fn last_retention_clock(&self) -> Result<Timestamp> {
        let stored = self.storage.setting(CLOCK_SETTING).await?.and_then(|millis| millis.parse().ok());
        let millis = match stored {
            Some(millis) => millis,
            None => i64::try_from(self.storage.newest_id_millis().await?).unwrap_or(0),
        };
        Ok(Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// The instant since which a project keeps everything; `None` is for ever.
    fn kept_since(&self, project: &ProjectRecord, now: Timestamp) -> Option<Timestamp> {
        let Options { days } = project.options.retention;
        let days = days.unwrap_or(self.settings.keep_days);
        (days > 0)
            .then(|| now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN))
    }

    async fn drop_events_of(
        &self,
        project: &ProjectRecord,
        before: Timestamp,
        keeper: &mut Keeper,
        report: &mut Report,
    ) -> Result<()> {
        let mut after = keeper.unfinished.remove(&project.id);
        for _ in 0..PORTIONS {
            let dropped = self.storage.drop_old_events(project.id, before, after, PORTION).await;
            let dropped = dropped.map_err(|error| self.note_storage(error))?;
            report.add(&dropped);
            after = dropped.next;
            if after.is_none() {
                break;
            }
        }
        if let Some(after) = after {
            keeper.unfinished.insert(project.id, after);
        }
        Ok(())
    }

    async fn drop_requests_of(&self, project: ProjectId, before: Timestamp, report: &mut Report) -> Result<()> {
        for inbox in self.inboxes(project) {
            loop {
                let dropped = self.storage.drop_old_requests(project, inbox.record.id, before, PORTION).await;
                let dropped = dropped.map_err(|error| self.note_storage(error))?;
                report.requests += dropped.requests;
                if !dropped.more {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Drops ended events and captured requests, those first that came first, until the data is no larger than it may be.
    async fn drop_what_is_too_much(&self, keeper: &mut Keeper, report: &mut Report) -> Result<()> {
        let most = self.settings.keep_bytes;
        let mut after = std::mem::take(&mut keeper.unfinished_by_size);
        for _ in 0..PORTIONS {
            if most == 0 || self.storage.live_bytes().await? <= most {
                keeper.too_large = false;
                return Ok(());
            }
            let dropped = self.storage.drop_oldest(after, PORTION).await;
            let dropped = dropped.map_err(|error| self.note_storage(error))?;
            report.add(&dropped);
            let Some(next) = dropped.next else {
                if !keeper.too_large {
                    tracing::warn!(
                        keep_bytes = most,
                        "the data is larger than KANCA_KEEP_BYTES, and neither an ended event nor a captured request is left to drop"
                    );
                }
                keeper.too_large = true;
                return Ok(());
            };
            after = next;
        }
        keeper.unfinished_by_size = after;
        Ok(())
    }
}

impl Report {
    fn add<After>(&mut self, dropped: &Dropped<After>) {
        self.events += dropped.events;
        self.deliveries += dropped.deliveries;
        self.attempts += dropped.attempts;
        self.requests += dropped.requests;
    }
}
