//! When to look into the table again, by time: for each endpoint when it has something due next, and later ones that have
//! become needless, which are harmless.

use crate::Engine;
use jiff::Timestamp;
use kanca_domain::ids::{DeliveryId, EndpointId};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::Notify;

/// A clock that jumps must not stall retries: alarms are looked at so often at least.
const LOOK: Duration = Duration::from_secs(1);

/// When, for whom; with a delivery it is one that a conversation waits for, which takes no queue.
pub(super) type Alarm = (Timestamp, EndpointId, Option<Awaited>);

/// A delivery that is to be attempted once more, and how many attempts it had when that was said: an alarm that comes late
/// must not bring the attempt after that one early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Awaited {
    pub delivery: DeliveryId,
    pub attempts: u32,
}

#[derive(Default)]
pub(super) struct Alarms {
    set: Mutex<BTreeSet<Alarm>>,
    changed: Notify,
}

impl Alarms {
    pub fn set(&self, alarm: Alarm) {
        let mut alarms = self.set.lock();
        alarms.insert(alarm);
        if alarms.first() == Some(&alarm) {
            self.changed.notify_one();
        }
    }

    /// Those that are due, and when the next one is.
    fn pop(&self, now: Timestamp) -> (Vec<Alarm>, Option<Timestamp>) {
        let mut alarms = self.set.lock();
        let mut due = Vec::new();
        while let Some(&alarm) = alarms.first() {
            if alarm.0 > now {
                return (due, Some(alarm.0));
            }
            alarms.pop_first();
            due.push(alarm);
        }
        (due, None)
    }
}

impl Engine {
    /// Wakes endpoints when their next delivery is due; runs until the process stops.
    pub(crate) async fn run_alarms(&self) {
        let alarms = &self.dispatcher.alarms;
        loop {
            let changed = alarms.changed.notified();
            self.look_at_clock(false).await;
            let (due, next) = alarms.pop(self.plan.now());
            for (_, endpoint, awaited) in due {
                match awaited {
                    None => {
                        self.look_for_due(endpoint);
                        self.dispatcher.watch(endpoint, self.plan.now());
                    }
                    Some(Awaited { delivery, attempts }) => {
                        self.spawn(move |engine| async move { engine.hurry(endpoint, delivery, Some(attempts)).await });
                    }
                }
            }
            let pause = next.map_or(LOOK, |at| until(self.plan.now(), at));
            let _ = tokio::time::timeout(pause.min(LOOK), changed).await;
        }
    }
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}
