//! After any sequence of operations nothing is lost: counters equal a recount, and each ordering key has one runner.

use super::world::{World, all, at};
use crate::StorageError;
use crate::deliveries::{DeliveryFilter, DeliveryRecord, NewDelivery, StatusCounts, Verdict};
use crate::endpoints::EndpointRecord;
use crate::events::NewEvent;
use crate::replays::{Again, Replay, Selected, Selection, Step, Work};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::Ordering;
use kanca_domain::ids::{DeliveryId, EndpointId};
use std::collections::HashMap;

/// The same numbers in each run (xorshift): a failure names its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

struct Play<'a> {
    world: &'a World,
    dice: Dice,
    endpoints: Vec<EndpointId>,
    deliveries: Vec<DeliveryId>,
    claimed: Vec<DeliveryId>,
    clock: i64,
    dropped: usize,
}

impl Play<'_> {
    async fn step(&mut self) {
        self.clock += 1;
        match self.dice.roll(21) {
            0..=6 => self.accept().await,
            7..=8 => self.claim().await,
            9..=14 => self.record().await,
            15 => self.release().await,
            16 => self.retry().await,
            17 => self.send_again().await,
            18 => self.unorder().await,
            19 => self.drop_old().await,
            _ => self.delete().await,
        }
    }

    fn any_endpoint(&mut self) -> usize {
        self.dice.roll(self.endpoints.len())
    }

    async fn accept(&mut self) {
        let mut deliveries = Vec::new();
        for n in 0..self.dice.roll(4) {
            let endpoint = self.endpoints[(self.dice.roll(self.endpoints.len()) + n) % self.endpoints.len()];
            let queue_key = ["a", "b", "c", "-"][self.dice.roll(4)];
            deliveries.push(NewDelivery {
                queue_key: (queue_key != "-").then(|| queue_key.to_owned()),
                due: at(self.clock + i64::try_from(self.dice.roll(5)).unwrap()),
                claim: self.dice.roll(2) == 0,
                ..self.world.delivery(endpoint)
            });
        }
        self.deliveries.extend(deliveries.iter().map(|delivery| delivery.id));
        self.claimed.extend(deliveries.iter().filter(|delivery| delivery.claim).map(|delivery| delivery.id));
        let event = NewEvent { deliveries, accepted_at: at(self.clock), ..self.world.event() };
        self.world.storage.accept_event(event).await.unwrap();
    }

    async fn claim(&mut self) {
        let endpoint = self.any_endpoint();
        let claimed = self.world.storage.claim_due(self.endpoints[endpoint], at(self.clock), 5).await.unwrap();
        self.claimed.extend(claimed.items.iter().map(|item| item.id));
    }

    async fn record(&mut self) {
        let delivery = match self.claimed.len() {
            0 => return,
            n => self.claimed.swap_remove(self.dice.roll(n)),
        };
        let verdict = match self.dice.roll(4) {
            0 => Verdict::Failed,
            1 => Verdict::Retry { due: at(self.clock + 5) },
            _ => Verdict::Delivered,
        };
        let outcome = self.world.outcome(delivery, verdict, at(self.clock));
        let recorded = self.world.storage.record_outcome(&outcome).await;
        assert!(matches!(recorded, Ok(_) | Err(StorageError::NotFound(_))), "{recorded:?}");
    }

    async fn release(&mut self) {
        let half = self.claimed.split_off(self.claimed.len() / 2);
        self.world.storage.release(half).await.unwrap();
    }

    async fn retry(&mut self) {
        if self.deliveries.is_empty() {
            return;
        }
        let delivery = self.deliveries[self.dice.roll(self.deliveries.len())];
        let retried = self.world.storage.retry_delivery(self.world.project, delivery, at(self.clock)).await;
        assert!(matches!(retried, Ok(_) | Err(StorageError::Conflict(_) | StorageError::NotFound(_))), "{retried:?}");
    }

    async fn send_again(&mut self) {
        let n = self.any_endpoint();
        let endpoint_id = self.endpoints[n];
        let status = [DeliveryStatus::Failed, DeliveryStatus::Delivered][self.dice.roll(2)];
        let (project_id, ended_by) = (self.world.project, at(self.clock));
        let any = (None, None, None);
        let selection =
            Selection { project_id, endpoint_id, status, event_type: any.0, since: any.1, until: any.2, ended_by };
        let found = self.world.storage.selected(selection.clone(), None, 5).await.unwrap();
        let keys = [None, Some("again a".to_owned())];
        let again = |selected: Selected| Again {
            id: selected.id,
            queue_key: keys[self.dice.roll(2)].clone(),
            due: at(self.clock + 1),
        };
        let again = found.into_iter().map(again).collect();
        let replay =
            Replay { id: self.world.id(), work: Work::Again(selection), after: None, next_due: at(self.clock) };
        self.world.storage.send_again(Step { replay, finished: true, now: at(self.clock) }, again).await.unwrap();
    }

    async fn unorder(&mut self) {
        let n = self.any_endpoint();
        let endpoint = EndpointRecord {
            id: self.endpoints[n],
            ordering: if self.dice.roll(2) == 0 { Ordering::None } else { Ordering::Key },
            updated_at: at(self.clock),
            ..self.world.new_endpoint()
        };
        self.world.storage.update_endpoint(endpoint).await.unwrap();
    }

    async fn drop_old(&mut self) {
        let before = at(self.clock - 20);
        let dropped = self.world.storage.drop_old_events(self.world.project, before, None, 50).await.unwrap();
        self.dropped += usize::try_from(dropped.deliveries).unwrap();
    }

    async fn delete(&mut self) {
        if self.dice.roll(3) > 0 {
            return;
        }
        let n = self.any_endpoint();
        self.world.storage.delete_endpoint(self.world.project, self.endpoints[n], at(self.clock)).await.unwrap();
        self.endpoints[n] = self.world.another_endpoint().await;
    }
}

/// Returns how many more deliveries there are than before; what is dropped may be of an earlier play.
async fn play(world: &World, seed: u64, steps: usize) -> isize {
    let endpoints = vec![world.another_endpoint().await, world.another_endpoint().await];
    let dice = Dice(seed);
    let mut play = Play { world, dice, endpoints, deliveries: Vec::new(), claimed: Vec::new(), clock: 0, dropped: 0 };
    for _ in 0..steps {
        play.step().await;
    }
    isize::try_from(play.deliveries.len()).unwrap() - isize::try_from(play.dropped).unwrap()
}

async fn everything(world: &World) -> Vec<DeliveryRecord> {
    let filter = DeliveryFilter::default();
    all(200, async |page| world.storage.deliveries(world.project, filter, page).await.unwrap()).await
}

fn add(counts: &mut StatusCounts, status: DeliveryStatus) {
    match status {
        DeliveryStatus::Pending => counts.pending += 1,
        DeliveryStatus::Delivered => counts.delivered += 1,
        DeliveryStatus::Failed => counts.failed += 1,
        DeliveryStatus::Cancelled => counts.cancelled += 1,
    }
}

pub async fn counts_equal_a_recount_after_anything(world: &World) {
    let mut created = 0;
    for seed in 1..=6 {
        created += play(world, seed * 7_919, 120).await;
        let everything = everything(world).await;
        assert_eq!(isize::try_from(everything.len()).unwrap(), created, "no delivery is lost (seed {seed})");
        let mut total = StatusCounts::default();
        let mut by_endpoint: HashMap<EndpointId, StatusCounts> = HashMap::new();
        for record in &everything {
            add(&mut total, record.status);
            add(by_endpoint.entry(record.endpoint_id).or_default(), record.status);
        }
        assert_eq!(world.storage.delivery_counts(world.project).await.unwrap(), total, "seed {seed}");
        let counted = world.storage.endpoint_counts(world.project).await.unwrap();
        let used = counted.into_iter().filter(|(_, counts)| *counts != StatusCounts::default());
        assert_eq!(used.collect::<HashMap<_, _>>(), by_endpoint, "seed {seed}");
    }
}

pub async fn one_delivery_of_a_key_runs_after_anything(world: &World) {
    for seed in 1..=3 {
        play(world, seed * 104_729, 200).await;
        for record in everything(world).await {
            let pending = record.status == DeliveryStatus::Pending;
            assert_eq!(record.completed_at.is_none(), pending, "{record:?}");
            assert_eq!(record.due.is_some(), pending && !record.held, "{record:?}");
            assert!(pending || !record.manual, "{record:?}");
        }
        // Nothing is held for ever: with every attempt succeeding, all of it arrives.
        for endpoint in world.storage.all_endpoints().await.unwrap() {
            let pending = everything(world).await;
            let pending =
                pending.iter().filter(|r| r.status == DeliveryStatus::Pending && r.endpoint_id == endpoint.id);
            world.storage.release(pending.map(|record| record.id).collect()).await.unwrap();
            loop {
                let items = world.storage.claim_due(endpoint.id, at(1_000_000), 50).await.unwrap().items;
                if items.is_empty() {
                    break;
                }
                let mut keys: Vec<_> = items.iter().filter_map(|item| item.queue_key.as_deref()).collect();
                let running = keys.len();
                keys.sort_unstable();
                keys.dedup();
                assert_eq!(keys.len(), running, "one of a key at a time (seed {seed})");
                for item in items {
                    world.record(item.id, Verdict::Delivered, at(1_000_000)).await;
                }
            }
        }
        assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 0, "seed {seed}");
    }
}
