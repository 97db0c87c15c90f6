//! Replay and recovery: sending many deliveries again, and making deliveries for events that an endpoint missed.
//!
//! The count is answered at once; the work goes on in the background in short steps, each one commit, and goes on after
//! a restart where it was. What is sent again is pending with its whole schedule before it, because who repeats a lot
//! after an outage wants it to arrive. It enters the endpoint's queue oldest first at a pace, so that live events pass
//! in between; events of one ordering key stay in order among themselves and hold no live event up.

use crate::Engine;
use crate::endpoints::Endpoint;
use crate::errors::{EngineError, FieldError, Result};
use jiff::{SignedDuration, Timestamp};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::Ordering;
use kanca_domain::events::{BuiltIn, TypePattern};
use kanca_domain::ids::{DeliveryId, EndpointId, EventId, Id, ProjectId, ReplayId};
use kanca_storage::StorageError;
use kanca_storage::deliveries::NewDelivery;
use kanca_storage::events::EventRecord;
use kanca_storage::replays::{Again, Gap, Recovered, Replay, Selection, Step, Work};
use std::sync::Arc;
use std::time::Duration;

/// Rows changed by one step.
const STEP: u32 = 500;
/// Events looked at in one reading.
const LOOK: u32 = 1_000;
/// The same where their data is read, too, because a filter wants to see it.
const LOOK_WITH_DATA: u32 = 50;
/// Deliveries of a replay that may start together, and how long after them the next ones may: 500 a second.
const TOGETHER: usize = 50;
const APART: SignedDuration = SignedDuration::from_millis(100);
/// How long to wait after a step that could not be written.
const PAUSE: Duration = Duration::from_secs(1);
/// Marks the queue of what is sent again; no ordering key begins like this.
const AGAIN: char = '\u{1}';

/// Which deliveries a project wants to send again; all conditions hold.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub endpoint_id: Option<EndpointId>,
    pub event_type: Option<TypePattern>,
    /// `Failed` unless given.
    pub status: Option<DeliveryStatus>,
    /// Made at or after.
    pub since: Option<Timestamp>,
    /// Made before.
    pub until: Option<Timestamp>,
}

impl Engine {
    /// Sends deliveries again that ended; returns how many there are. A dry run only counts. Of cancelled ones it is about
    /// those that a transformation skipped: the others lost their endpoint.
    pub async fn retry_many(&self, project: ProjectId, wanted: Wanted, dry_run: bool) -> Result<u64> {
        check_span(wanted.since, wanted.until)?;
        let endpoints = match wanted.endpoint_id {
            Some(id) => vec![self.endpoint(project, id)?],
            None => self.endpoints(project),
        };
        let status = match wanted.status.unwrap_or(DeliveryStatus::Failed) {
            ended if ended.is_end() => ended,
            _ => {
                return Err(EngineError::invalid(
                    "status",
                    "pending deliveries are sent anyway; name failed, delivered or cancelled",
                ));
            }
        };
        // What ended before the clock was set back lies in a future of that clock.
        let now = self.plan.now();
        let before = Some(self.ids.next::<ReplayId>());
        let mut count = 0;
        let mut replays = Vec::new();
        for endpoint in endpoints {
            let selection = Selection {
                project_id: project,
                endpoint_id: endpoint.record.id,
                status,
                event_type: wanted.event_type.clone(),
                since: wanted.since,
                until: wanted.until,
                ended_by: now,
                before,
            };
            let found = self.storage.count_selected(selection.clone()).await?;
            if found > 0 {
                count += found;
                replays.push(self.new_replay(Work::Again(selection), now));
            }
        }
        if !dry_run {
            self.begin_replays(replays).await?;
        }
        Ok(count)
    }

    /// Makes deliveries for the events since an instant that match an endpoint and have none to it, such as those that
    /// were published while it was disabled or before it was created; returns how many. A dry run only counts.
    pub async fn recover(
        &self,
        project: ProjectId,
        endpoint: EndpointId,
        since: Timestamp,
        until: Option<Timestamp>,
        dry_run: bool,
    ) -> Result<u64> {
        check_span(Some(since), until)?;
        let endpoint = self.endpoint(project, endpoint)?;
        let now = self.plan.now();
        let until = until.unwrap_or(now).min(now);
        let before = Some(self.ids.next::<ReplayId>());
        let gap = Gap { project_id: project, endpoint_id: endpoint.record.id, since, until, before };
        let mut count = 0;
        let mut after = None;
        loop {
            let (missed, last) = self.missed(&endpoint, &gap, after).await?;
            count += missed.len() as u64;
            match last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        if count > 0 && !dry_run {
            self.begin_replays(vec![self.new_replay(Work::Recover(gap), now)]).await?;
        }
        Ok(count)
    }

    fn new_replay(&self, work: Work, now: Timestamp) -> Replay {
        Replay { id: self.ids.next(), work, after: None, next_due: now }
    }

    async fn begin_replays(&self, replays: Vec<Replay>) -> Result<()> {
        self.accepts_events()?;
        if !replays.is_empty() {
            self.storage.begin_replays(replays.clone()).await.map_err(|e| self.note_storage(e))?;
        }
        for replay in replays {
            self.spawn(|engine| async move { engine.step_by_step(Chore::Replay(replay)).await });
        }
        Ok(())
    }

    /// Goes on with what a stop or a crash cut off.
    pub(crate) async fn resume_replays(&self) -> Result<()> {
        for replay in self.storage.unfinished_replays().await? {
            self.spawn(|engine| async move { engine.step_by_step(Chore::Replay(replay)).await });
        }
        for endpoint in self.storage.deleted_with_pending().await? {
            self.cancel_rest(endpoint);
        }
        Ok(())
    }

    /// Cancels what is pending for a deleted endpoint, in the background.
    pub(crate) fn cancel_rest(&self, endpoint: EndpointId) {
        self.spawn(|engine| async move { engine.step_by_step(Chore::Cancel(endpoint)).await });
    }

    /// Takes steps until one says that it was the last. Between them the writer is everybody else's for at least as long
    /// as a step took.
    async fn step_by_step(&self, mut chore: Chore) {
        loop {
            let begun = std::time::Instant::now();
            let done = match &mut chore {
                Chore::Replay(replay) => self.step_replay(replay).await,
                Chore::Cancel(endpoint) => {
                    self.storage.cancel_pending(*endpoint, self.clock.now(), STEP).await.map(|n| n == 0)
                }
            };
            match done {
                Ok(true) | Err(StorageError::Unavailable(_)) => return,
                Ok(false) => tokio::time::sleep(begun.elapsed().min(PAUSE)).await,
                Err(error) => {
                    if !error.is_about_the_disk() {
                        tracing::warn!(%error, "a replay or a cancellation could not go on; it is tried again");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Takes one step of a replay; says whether it was the last.
    async fn step_replay(&self, replay: &mut Replay) -> Result<bool, StorageError> {
        let now = self.clock.now();
        let work = replay.work.clone();
        let Ok(endpoint) = self.endpoint(work.project_id(), work.endpoint_id()) else {
            let step = Step { replay: replay.clone(), finished: true, now };
            self.storage.send_again(step.clone(), Vec::new()).await?;
            self.storage.recover(step, Vec::new()).await?;
            return Ok(true);
        };
        let mut spacing = Spacing { due: replay.next_due.max(self.plan.now()), n: 0 };
        let first = spacing.due;
        let finished = match work {
            Work::Again(selection) => self.send_some_again(&endpoint, replay, selection, &mut spacing, now).await?,
            Work::Recover(gap) => self.recover_some(&endpoint, replay, &gap, &mut spacing, now).await?,
        };
        if spacing.due > first || spacing.n > 0 {
            self.dispatcher.note_due(endpoint.record.id, first);
            self.look_for_due(endpoint.record.id);
        }
        Ok(finished)
    }

    async fn send_some_again(
        &self,
        endpoint: &Endpoint,
        replay: &mut Replay,
        selection: Selection,
        spacing: &mut Spacing,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let after = replay.after.map(DeliveryId::from_uuid);
        let selected = self.storage.selected(selection, after, STEP).await?;
        let finished = selected.len() < STEP as usize;
        replay.after = selected.last().map(|last| last.id.uuid()).or(replay.after);
        let again = selected.into_iter().map(|selected| Again {
            id: selected.id,
            queue_key: again_key(endpoint, selected.ordering_key.as_deref()),
            due: spacing.next(),
        });
        let again = again.collect();
        replay.next_due = spacing.due;
        self.storage.send_again(Step { replay: replay.clone(), finished, now }, again).await?;
        Ok(finished)
    }

    async fn recover_some(
        &self,
        endpoint: &Arc<Endpoint>,
        replay: &mut Replay,
        gap: &Gap,
        spacing: &mut Spacing,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let after = replay.after.map(EventId::from_uuid);
        let (missed, last) = self.missed(endpoint, gap, after).await?;
        replay.after = last.map(EventId::uuid).or(replay.after);
        let recovered = missed.into_iter().map(|event| {
            let delivery = NewDelivery {
                id: self.ids.next(),
                endpoint_id: endpoint.record.id,
                queue_key: again_key(endpoint, event.ordering_key.as_deref()),
                due: spacing.next(),
                waiter: None,
                claim: false,
            };
            Recovered { event_id: event.id, delivery }
        });
        let recovered = recovered.collect();
        replay.next_due = spacing.due;
        let finished = last.is_none();
        self.storage.recover(Step { replay: replay.clone(), finished, now }, recovered).await?;
        Ok(finished)
    }

    /// Looks at the next events of a gap: those that the endpoint should get, and the last one looked at when there may be
    /// more.
    async fn missed(
        &self,
        endpoint: &Arc<Endpoint>,
        gap: &Gap,
        after: Option<EventId>,
    ) -> Result<(Vec<EventRecord>, Option<EventId>), StorageError> {
        let has_filter = endpoint.record.options.filter.is_some();
        let look = if has_filter { LOOK_WITH_DATA } else { LOOK };
        let found = self.storage.without_delivery(gap.clone(), after, look, has_filter).await?;
        let last = found.last().filter(|_| found.len() == look as usize).map(|event| event.id);
        let mut wanted = Vec::new();
        for event in found {
            let addressed = BuiltIn::of(&event.event_type).is_some_and(BuiltIn::is_addressed);
            if !addressed
                && endpoint.subscription.matches(&event.event_type)
                && self.filter_passes(endpoint, &event).await
            {
                wanted.push(event);
            }
        }
        Ok((wanted, last))
    }
}

/// Work that is done in the background.
enum Chore {
    Replay(Replay),
    /// What is pending for a deleted endpoint is cancelled.
    Cancel(EndpointId),
}

/// When the deliveries of a replay may start.
struct Spacing {
    due: Timestamp,
    n: usize,
}

impl Spacing {
    fn next(&mut self) -> Timestamp {
        let due = self.due;
        self.n += 1;
        if self.n == TOGETHER {
            self.n = 0;
            self.due = due.saturating_add(APART).unwrap_or(due);
        }
        due
    }
}

/// The queue in which an endpoint gets again what shares an ordering key.
fn again_key(endpoint: &Endpoint, ordering_key: Option<&str>) -> Option<String> {
    ordering_key.filter(|_| endpoint.record.ordering == Ordering::Key).map(|key| format!("{AGAIN}{key}"))
}

fn check_span(since: Option<Timestamp>, until: Option<Timestamp>) -> Result<()> {
    match (since, until) {
        (Some(since), Some(until)) if since >= until => {
            let message = "must be later than `since`; nothing lies between the two".to_owned();
            Err(EngineError::Invalid(vec![FieldError { field: "until".into(), message }]))
        }
        _ => Ok(()),
    }
}
