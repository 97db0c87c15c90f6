//! What an exchange means for its delivery: delivered, tried again at a time, or given up – and for a conversation that
//! waits for the answer, which of the block's ports is taken.

use super::Job;
use super::attempt::Exchange;
use super::bulk::Paid;
use crate::Engine;
use crate::endpoints::Endpoint;
use crate::ports::IncomingResponse;
use jiff::Timestamp;
use kanca_domain::attempts::{AttemptEnd, ReasonCode};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::ids::{DeliveryId, EndpointId};
use kanca_domain::pace::Signal;
use kanca_domain::retries::{self, Next, QuickNext};
use kanca_domain::scenario::answer::{self, Class};
use kanca_storage::deliveries::{AttemptRecord, Outcome, Recorded, Verdict, Waiter};
use std::sync::Arc;
use std::time::Duration;

/// The status by which a receiver says that it is to be left alone for good (Standard Webhooks, "Operational considerations").
const GONE: u16 = 410;
/// How long to wait before an outcome that could not be recorded is tried again.
const RECORD_PAUSE: Duration = Duration::from_millis(200);

/// What the dispatcher does after an outcome was recorded.
#[derive(Default, Clone, Copy)]
pub(super) struct Step {
    /// The delivery is due again then.
    pub due: Option<Timestamp>,
    /// A delivery that was held may start.
    pub promoted: Option<DeliveryId>,
}

/// What came of a delivery's turn, to be recorded.
pub(super) struct Attempted {
    endpoint: Arc<Endpoint>,
    job: Job,
    outcome: Outcome,
    ended: Option<Ended>,
    paid: Option<Paid>,
    /// The receiver said that it is gone for good.
    gone: bool,
    /// What the attempt said about the receiver.
    pub signal: Signal,
    /// How long the receiver asked to be left alone, if it asked for all deliveries.
    pub hold: Option<Duration>,
}

/// How a call that a conversation waits for has ended.
pub(crate) enum Ended {
    /// A 2xx, or a 4xx that is not worth another try.
    Answer(IncomingResponse),
    /// The last attempt got no answer in time, or none could be made in time.
    Timeout(String),
    /// The last attempt got another status, or no exchange was possible.
    ServerError(String),
}

impl Engine {
    /// Makes one attempt of a job; nothing of it is written down yet. `None` when the endpoint is gone.
    pub(super) async fn attempt(&self, endpoint_id: EndpointId, job: Job) -> Option<Attempted> {
        let endpoint = self.snapshot.load().endpoints.get(&endpoint_id).cloned()?;
        let Some(timeout) = self.time_left(&endpoint, &job) else {
            let now = self.clock.now();
            let outcome = Outcome { delivery_id: job.id, attempt: None, verdict: Verdict::Failed, at: now };
            let ended = Some(Ended::Timeout("No attempt could be made within the block's timeout.".into()));
            let (gone, signal, hold, paid) = (false, Signal::default(), None, None);
            return Some(Attempted { endpoint, job, outcome, ended, paid, gone, signal, hold });
        };
        let exchange = self.exchange(&endpoint, &job, timeout).await;
        let at = self.clock.now();
        self.stats.note(endpoint_id, at, exchange.record.success, exchange.record.duration_us);
        let signal = Signal::of(exchange.end);
        // With these two statuses the wish is about the receiver as a whole (RFC 6585 §4, RFC 9110 §15.6.4).
        let hold = matches!(exchange.end, AttemptEnd::Status(429 | 503)).then(|| exchange.wait_asked(at)).flatten();
        let gone = exchange.end == AttemptEnd::Status(GONE);
        let verdict = self.judge(&endpoint, &job, &exchange, at);
        let ended = (job.waiter.is_some() && !matches!(verdict, Verdict::Retry { .. })).then(|| ended(&exchange));
        let paid = exchange.paid;
        let outcome = Outcome { delivery_id: job.id, attempt: Some(exchange.record), verdict, at };
        Some(Attempted { endpoint, job, outcome, ended, paid, gone, signal, hold })
    }

    /// Writes down what came of an attempt, and tells whom it concerns.
    pub(super) async fn conclude(&self, attempted: Attempted) -> Step {
        let Attempted { endpoint, job, outcome, ended, paid, gone, .. } = attempted;
        if let Some(attempt) = &outcome.attempt
            && outcome.verdict == Verdict::Failed
            && !job.manual
            && job.waiter.is_none()
        {
            self.announce_failure(&endpoint, &job, attempt).await;
        }
        let step = self.record(&job, outcome, ended).await;
        drop(paid);
        if gone {
            self.disable_gone(endpoint.record.id).await;
        }
        step
    }

    /// How long an attempt may take if it begins now; `None` when nobody waits any more for what was waited for.
    pub(super) fn time_left(&self, endpoint: &Endpoint, job: &Job) -> Option<Duration> {
        // A person's retry follows no deadline.
        let Some(Waiter { deadline, .. }) = job.waiter.as_ref().filter(|_| !job.manual) else {
            return Some(self.attempt_timeout(endpoint));
        };
        // The block's timeout takes the place of the attempt's, so that a slow service has all of it.
        Duration::try_from(deadline.duration_since(self.plan.now())).ok().filter(|d| !d.is_zero())
    }

    fn attempt_timeout(&self, endpoint: &Endpoint) -> Duration {
        endpoint.record.options.timeout().unwrap_or(self.settings.attempt_timeout)
    }

    fn judge(&self, endpoint: &Endpoint, job: &Job, exchange: &Exchange, at: Timestamp) -> Verdict {
        if exchange.record.success {
            return Verdict::Delivered;
        }
        if exchange.end == AttemptEnd::NoAnswer(ReasonCode::Skipped) {
            return Verdict::Cancelled;
        }
        let gone = exchange.end == AttemptEnd::Status(GONE) && job.waiter.is_none();
        if job.manual || gone || exchange.end.reason().is_final() {
            return Verdict::Failed;
        }
        let steps_used = job.steps_used + 1;
        if let Some(waiter) = &job.waiter {
            let now = self.plan.now();
            let left = Duration::try_from(waiter.deadline.duration_since(now)).unwrap_or_default();
            return match retries::quick_next(index(steps_used), now, now, left, exchange.end) {
                QuickNext::At(due) => Verdict::Retry { due },
                QuickNext::Leave(_) => Verdict::Failed,
            };
        }
        let created = job.scheduled_from;
        let schedule = endpoint.record.options.schedule(&self.project_options(endpoint.record.project_id));
        let timeout = self.attempt_timeout(endpoint);
        let next = retries::next_attempt(&schedule, timeout, index(steps_used), created, at, self.jitter());
        match exchange.wait_asked(at).map_or(next, |wait| retries::not_before(next, at, wait)) {
            Next::At(due) => Verdict::Retry { due: self.plan.now() + due.duration_since(at) },
            Next::GiveUp => Verdict::Failed,
        }
    }

    /// Records an outcome, however long the disk takes to be written again; tells a waiting conversation in the same commit.
    async fn record(&self, job: &Job, outcome: Outcome, ended: Option<Ended>) -> Step {
        let waiter = job.waiter.as_ref().filter(|_| !job.manual);
        let mut told = match (waiter, ended) {
            (Some(waiter), Some(ended)) => Some((waiter, ended)),
            _ => None,
        };
        loop {
            let recorded = match &told {
                Some((waiter, ended)) => self.conversation_answered(waiter, ended, &outcome).await,
                None => self.storage.record_outcome(&outcome).await,
            };
            match recorded {
                Ok(Recorded { status, promoted }) => {
                    let due = match outcome.verdict {
                        Verdict::Retry { due } if status == DeliveryStatus::Pending => Some(due),
                        _ => None,
                    };
                    return Step { due, promoted };
                }
                Err(error) if error.is_about_the_disk() => {
                    self.close_gate(&error);
                    tokio::time::sleep(RECORD_PAUSE).await;
                }
                Err(kanca_storage::StorageError::Unavailable(_)) => return Step::default(),
                Err(error) if told.is_some() => {
                    tracing::error!(delivery = %job.id, %error, "a webhook's answer could not be given to its conversation");
                    told = None;
                }
                Err(error) => {
                    tracing::error!(delivery = %job.id, %error, "an outcome could not be recorded; the delivery is tried again after a restart");
                    return Step::default();
                }
            }
        }
    }

    async fn announce_failure(&self, endpoint: &Endpoint, job: &Job, attempt: &AttemptRecord) {
        use kanca_domain::events::BuiltIn;
        if BuiltIn::of(&job.event.event_type).is_some_and(BuiltIn::is_about_deliveries) {
            return;
        }
        let data = serde_json::json!({
            "delivery_id": job.id, "event_id": job.event.event_id, "event_type": job.event.event_type.as_str(),
            "endpoint_id": endpoint.record.id, "endpoint_name": endpoint.record.name,
            "attempts": attempt.number, "reason_code": attempt.reason_code, "reason": attempt.reason,
        });
        let project = job.event.project_id;
        if let Err(error) = self.publish_built_in(project, BuiltIn::DeliveryFailed, &data, job.event.hops).await {
            tracing::warn!(delivery = %job.id, %error, "the event delivery.failed was not published");
        }
    }

    /// A fraction in −1 … 1.
    fn jitter(&self) -> f64 {
        let mut bytes = [0u8; 4];
        self.random.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

/// Which of the block's ports the last exchange means.
fn ended(exchange: &Exchange) -> Ended {
    let reason = || exchange.record.reason.clone();
    match (&exchange.response, exchange.end) {
        (Some(response), AttemptEnd::Status(status)) if answer::classify(status) != Class::Retry => {
            Ended::Answer(response.clone())
        }
        (_, AttemptEnd::NoAnswer(ReasonCode::Timeout)) => Ended::Timeout(reason()),
        // Whoever wrote the transformation wanted nothing to be sent, so nothing is wrong and nothing is said.
        (_, AttemptEnd::NoAnswer(ReasonCode::Skipped)) => Ended::Answer(IncomingResponse {
            status: 204,
            headers: Vec::new(),
            body: bytes::Bytes::new(),
            truncated: false,
        }),
        _ => Ended::ServerError(reason()),
    }
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
