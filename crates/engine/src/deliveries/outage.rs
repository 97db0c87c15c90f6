//! Endpoints that do nothing but fail: how long they have, kept across restarts, and when that is long enough to disable
//! them.

use crate::Engine;
use jiff::{SignedDuration, Timestamp};
use kanca_domain::endpoints::EndpointStatus;
use kanca_domain::ids::EndpointId;

/// How long an outage lasts before it is written down; shorter ones cost no write.
const WORTH_NOTING: SignedDuration = SignedDuration::from_mins(1);

impl Engine {
    /// Takes notice of an endpoint's outage after an attempt: writes down that a long one began or ended, and disables
    /// the endpoint when it has lasted as long as the user allows.
    pub(super) fn watch_outage(&self, endpoint: EndpointId, outage: Option<Timestamp>, now: Timestamp) {
        let known = self.dispatcher.noted_outages.lock().contains(&endpoint);
        let lasted = outage.map(|since| now.duration_since(since));
        if known != lasted.is_some_and(|lasted| lasted >= WORTH_NOTING) && (known != outage.is_some()) {
            self.spawn(move |engine| async move { engine.note_outage(endpoint).await });
        }
        if let Some(lasted) = lasted
            && self.allowed_outage(endpoint).is_some_and(|allowed| lasted >= allowed)
        {
            let reason = format!(
                "Every attempt failed for {}. Mend the receiver, then set this webhook active again.",
                in_words(lasted)
            );
            self.spawn(move |engine| async move { engine.disable_for_outage(endpoint, &reason).await });
        }
    }

    /// Writes down the outage as it is now. One at a time, and the newest state wins.
    async fn note_outage(&self, endpoint: EndpointId) {
        let _turn = self.dispatcher.outage_writes.lock().await;
        let since = self.dispatcher.health(endpoint, self.clock.now(), None).failing_since;
        match self.storage.note_outage(endpoint, since).await {
            Ok(()) => {
                let mut noted = self.dispatcher.noted_outages.lock();
                if since.is_some() {
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

    fn allowed_outage(&self, endpoint: EndpointId) -> Option<SignedDuration> {
        let snapshot = self.snapshot.load();
        let record = &snapshot.endpoints.get(&endpoint)?.record;
        let allowed = record.options.disable_after(&self.project_options(record.project_id))?;
        SignedDuration::try_from(allowed).ok()
    }

    /// Disables an endpoint for its own answers, unless somebody was faster.
    pub(super) async fn disable_for_outage(&self, endpoint: EndpointId, reason: &str) {
        let _guard = self.config.lock().await;
        let Some(endpoint) = self.snapshot.load().endpoints.get(&endpoint).cloned() else { return };
        if endpoint.record.status == EndpointStatus::Disabled {
            return;
        }
        if let Err(error) = self.disable_endpoint(&endpoint, reason).await {
            tracing::warn!(endpoint = %endpoint.record.id, %error, "an endpoint that only fails could not be disabled");
        }
    }

    /// The endpoint was changed: what was known of its receiver is no longer worth anything.
    pub(crate) async fn forget_outage(&self, endpoint: EndpointId) {
        self.dispatcher.start_afresh(endpoint);
        if self.dispatcher.noted_outages.lock().contains(&endpoint) {
            self.note_outage(endpoint).await;
        }
    }

    /// Goes on with the outages from before a restart.
    pub(super) async fn resume_outages(&self) -> crate::errors::Result<()> {
        for (endpoint, since) in self.storage.outages().await? {
            self.dispatcher.remember_outage(endpoint, since);
            self.dispatcher.noted_outages.lock().insert(endpoint);
        }
        Ok(())
    }
}

fn in_words(lasted: SignedDuration) -> String {
    let (hours, minutes) = (lasted.as_hours(), lasted.as_mins());
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
            assert_eq!(in_words(SignedDuration::from_secs(seconds)), words);
        }
    }
}
