//! The delivery's state machine against a model: random walks of accepting, claiming, recording and retrying, with every
//! delivery compared with the model after every step.

use super::world::{World, at};
use crate::StorageError;
use crate::deliveries::{Recorded, Verdict};
use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus::{self, Cancelled, Delivered, Failed, Pending};
use kanca_domain::ids::DeliveryId;

/// What is known of a delivery.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    id: DeliveryId,
    status: DeliveryStatus,
    key: Option<&'static str>,
    held: bool,
    due: Option<Timestamp>,
    manual: bool,
    /// The end it had before a manual retry.
    prior: Option<(DeliveryStatus, Option<Timestamp>)>,
    completed_at: Option<Timestamp>,
    steps_used: u32,
    attempts: u32,
    claimed: bool,
}

impl Model {
    fn can_be_claimed(&self) -> bool {
        self.status == Pending && !self.held && !self.claimed
    }
}

/// The state machine, in memory and by the book.
#[derive(Default)]
struct Machine(Vec<Model>);

impl Machine {
    fn accept(&mut self, id: DeliveryId, key: Option<&'static str>) {
        let held = key.is_some() && self.0.iter().any(|other| other.key == key && other.status == Pending);
        self.0.push(Model {
            id,
            status: Pending,
            key,
            held,
            due: (!held).then(|| at(0)),
            manual: false,
            prior: None,
            completed_at: None,
            steps_used: 0,
            attempts: 0,
            claimed: false,
        });
    }

    fn record(&mut self, index: usize, verdict: Verdict, now: Timestamp) -> Recorded {
        let one = &mut self.0[index];
        one.attempts += 1;
        one.claimed = false;
        if one.status != Pending {
            return Recorded { status: one.status, promoted: None };
        }
        (one.status, one.completed_at) = match (verdict, one.prior) {
            (Verdict::Retry { due }, _) => {
                one.due = Some(due);
                one.steps_used += u32::from(!one.manual);
                return Recorded { status: Pending, promoted: None };
            }
            (Verdict::Delivered, _) => (Delivered, Some(now)),
            (Verdict::Cancelled, None) => (Cancelled, Some(now)),
            (Verdict::Failed | Verdict::Cancelled, Some(prior)) => prior,
            (Verdict::Failed, None) => (Failed, Some(now)),
        };
        (one.due, one.manual, one.prior) = (None, false, None);
        let (status, key) = (one.status, one.key);
        let next = self.0.iter_mut().find(|other| key.is_some() && other.key == key && other.held);
        let promoted = next.map(|next| {
            (next.held, next.due) = (false, Some(now));
            next.id
        });
        Recorded { status, promoted }
    }

    fn retry(&mut self, index: usize, now: Timestamp) {
        let one = &mut self.0[index];
        match one.status {
            Pending if one.held => {}
            Pending => one.due = one.due.min(Some(now)),
            // What was skipped was never sent, and begins anew.
            Cancelled => {
                (one.status, one.completed_at, one.due, one.key) = (Pending, None, Some(now), None);
                one.steps_used = 0;
            }
            status => {
                one.prior = Some((status, one.completed_at));
                (one.status, one.completed_at, one.manual, one.due, one.key) = (Pending, None, true, Some(now), None);
            }
        }
    }
}

async fn is_followed(world: &World, machine: &Machine, walk: &[String]) {
    for expected in &machine.0 {
        let stored = world.stored(expected.id).await;
        let actual = Model {
            id: stored.id,
            status: stored.status,
            held: stored.held,
            due: stored.due,
            manual: stored.manual,
            completed_at: stored.completed_at,
            steps_used: stored.steps_used,
            attempts: stored.attempt_count,
            ..expected.clone()
        };
        assert_eq!(actual, *expected, "after {walk:?}");
    }
}

pub async fn deliveries_follow_the_state_machine(world: &World) {
    let mut walk_number = 0;
    for seed in [11_u64, 222, 3_333, 44_444, 555_555] {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut roll = |sides: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % sides as u64).unwrap()
        };
        walk_number += 1;
        // Keys are the endpoint's, so each walk has its own.
        let keys = [["a1", "b1"], ["a2", "b2"], ["a3", "b3"], ["a4", "b4"], ["a5", "b5"]][walk_number - 1];
        let (mut machine, mut walk) = (Machine::default(), vec![format!("seed {seed}")]);
        for step in 1..=80_i64 {
            let now = at(step);
            let some = if machine.0.is_empty() { 0 } else { roll(machine.0.len()) };
            match roll(10) {
                0..=2 => {
                    let key = [None, Some(keys[0]), Some(keys[1])][roll(3)];
                    let event = key.map_or_else(|| world.event_for_one(), |key| world.event_with_key(key));
                    let id = world.accept(event).await;
                    machine.accept(id, key);
                    walk.push("accept".to_owned());
                }
                _ if machine.0.is_empty() => {}
                3..=4 => {
                    let is_claimed = world.claim(machine.0[some].id).await.is_some();
                    walk.push(format!("claim {some}"));
                    assert_eq!(is_claimed, machine.0[some].can_be_claimed(), "after {walk:?}");
                    machine.0[some].claimed |= is_claimed;
                }
                // An attempt was going on, or one comes late for a delivery that has ended.
                5..=7 if machine.0[some].claimed || machine.0[some].status != Pending => {
                    let verdict = match roll(4) {
                        0 => Verdict::Delivered,
                        1 => Verdict::Failed,
                        2 => Verdict::Cancelled,
                        _ => Verdict::Retry { due: at(step + 50) },
                    };
                    walk.push(format!("record {some} {verdict:?}"));
                    let recorded = world.record(machine.0[some].id, verdict, now).await;
                    assert_eq!(recorded, machine.record(some, verdict, now), "after {walk:?}");
                }
                8 => {
                    walk.push(format!("retry {some}"));
                    world.storage.retry_delivery(world.project, machine.0[some].id, now).await.unwrap();
                    machine.retry(some, now);
                }
                9 if machine.0[some].claimed => {
                    walk.push(format!("release {some}"));
                    world.storage.release(vec![machine.0[some].id]).await.unwrap();
                    machine.0[some].claimed = false;
                }
                _ => {}
            }
            is_followed(world, &machine, &walk).await;
        }
    }
    // From an end nothing leads back when the endpoint was deleted.
    let delivery = world.accept(world.event_for_one()).await;
    world.storage.delete_endpoint(world.project, world.endpoint, at(1)).await.unwrap();
    for verdict in [Verdict::Delivered, Verdict::Failed, Verdict::Retry { due: at(2) }] {
        assert_eq!(world.record(delivery, verdict, at(1)).await.status, DeliveryStatus::Cancelled);
    }
    let refused = world.storage.retry_delivery(world.project, delivery, at(2)).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
}
