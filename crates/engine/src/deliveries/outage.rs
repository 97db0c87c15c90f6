//! Endpoints that do nothing but fail: how long they have, kept across restarts, and when that is long enough to disable
//! them.

use super::queue::Outage;
use crate::Engine;
use kanca_domain::endpoints::{DisabledCode, EndpointStatus};
use kanca_domain::ids::EndpointId;
use std::time::Duration;

/// How long an outage lasts before it is written down; shorter ones cost no write.
const WORTH_NOTING: Duration = Duration::from_mins(1);

impl Engine {
    /// Takes notice of an endpoint's outage after an attempt: writes down that a long one began or ended, and disables
    /// the endpoint when it has lasted as long as the user allows.
    pub(super) fn watch_outage(&self, endpoint: EndpointId, outage: Option<Outage>) {
        let noted = self.dispatcher.noted_outages.lock().contains(&endpoint);
        let lasted = outage.map(|outage| self.lasted(outage));
        let news = lasted.map_or(noted, |lasted| !noted && lasted >= WORTH_NOTING);
        if news {
            self.spawn(move |engine| async move { engine.note_outage(endpoint).await });
        }
        if lasted.is_some_and(|lasted| self.is_too_long(endpoint, lasted)) {
            self.spawn(move |engine| async move { engine.disable_failing(endpoint).await });
        }
    }

    /// How long an outage has lasted. Only the time counts in which Kanca ran: a clock that is set forward, or a machine
    /// that slept, says nothing about the receiver.
    fn lasted(&self, outage: Outage) -> Duration {
        self.plan.running().saturating_sub(outage.running)
    }

    /// Writes down the outage as it is now. One at a time, and the newest state wins.
    async fn note_outage(&self, endpoint: EndpointId) {
        let _turn = self.dispatcher.outage_writes.lock().await;
        let outage = self.dispatcher.outage(endpoint, || self.plan.running());
        match self.storage.note_outage(endpoint, outage).await {
            Ok(()) => {
                let mut noted = self.dispatcher.noted_outages.lock();
                if outage.is_some() {
                    noted.insert(endpoint)
                } else {
                    noted.remove(&endpoint)
                };
            }
            Err(error) => {
                tracing::warn!(%endpoint, %error, "an outage could not be noted; the next failure tries again");
            }
        }
    }

    /// Whether an outage has lasted as long as the user allows, or longer.
    fn is_too_long(&self, endpoint: EndpointId, lasted: Duration) -> bool {
        let snapshot = self.snapshot.load();
        let Some(endpoint) = snapshot.endpoints.get(&endpoint) else { return false };
        let allowed = endpoint.record.options.disable_after(&self.project_options(endpoint.record.project_id));
        allowed.is_some_and(|allowed| lasted >= allowed)
    }

    /// Disables an endpoint that has failed for too long, unless it was changed or has recovered meanwhile.
    async fn disable_failing(&self, endpoint: EndpointId) {
        let _guard = self.config.lock().await;
        let Some(outage) = self.dispatcher.outage(endpoint, || self.plan.running()) else { return };
        let lasted = self.lasted(outage);
        if self.is_too_long(endpoint, lasted) {
            let lasted = in_words(lasted);
            let reason =
                format!("Every attempt failed for {lasted}. Mend the receiver, then set this webhook active again.");
            self.disable_locked(endpoint, DisabledCode::Failing, &reason).await;
        }
    }

    /// Disables an endpoint whose receiver wants no more events.
    pub(super) async fn disable_gone(&self, endpoint: EndpointId) {
        let _guard = self.config.lock().await;
        let reason = "The receiver answered 410 Gone: it wants no more events.";
        self.disable_locked(endpoint, DisabledCode::Gone, reason).await;
    }

    /// The caller holds the configuration's lock.
    async fn disable_locked(&self, endpoint: EndpointId, code: DisabledCode, reason: &str) {
        let Some(endpoint) = self.snapshot.load().endpoints.get(&endpoint).cloned() else { return };
        if endpoint.record.status == EndpointStatus::Disabled {
            return;
        }
        if let Err(error) = self.disable_endpoint(&endpoint, code, reason).await {
            tracing::warn!(endpoint = %endpoint.record.id, %error, "an endpoint that only fails could not be disabled");
        }
    }

    /// The endpoint was changed so that its receiver is asked in another way, or `is_another`: how it fared is no longer
    /// worth anything.
    pub(crate) async fn forget_outage(&self, endpoint: EndpointId, is_another: bool) {
        self.dispatcher.start_afresh(endpoint, is_another);
        if self.dispatcher.noted_outages.lock().contains(&endpoint) {
            self.note_outage(endpoint).await;
        }
    }

    /// Goes on with the outages from before a restart.
    pub(super) async fn resume_outages(&self) -> crate::errors::Result<()> {
        let now = self.plan.running();
        for (endpoint, mut outage) in self.storage.outages().await? {
            // Where the time run so far was lost, it counts from now.
            outage.running = outage.running.min(now);
            self.dispatcher.remember_outage(endpoint, outage);
            self.dispatcher.noted_outages.lock().insert(endpoint);
        }
        Ok(())
    }
}

fn in_words(lasted: Duration) -> String {
    let (hours, minutes) = (lasted.as_secs() / 3_600, lasted.as_secs() / 60);
    match (hours / 24, hours, minutes) {
        (2.., ..) => format!("{} days", hours / 24),
        (_, 2.., _) => format!("{hours} hours"),
        (_, _, 2..) => format!("{minutes} minutes"),
        _ => format!("{} seconds", lasted.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_its_largest_unit() {
        for (seconds, words) in [(5, "5 seconds"), (300, "5 minutes"), (7_200, "2 hours"), (432_000, "5 days")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
