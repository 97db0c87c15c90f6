//! After any sequence of operations nothing is lost: counters equal a recount, and each ordering key has one runner.
//!
//! The walk keeps a book of its own: what was accepted, less what retention took away while it was looked at before and
//! after. So a delivery that goes in any other step, or that retention may not take, is missed by its id.

use super::world::{World, all, at};
use crate::StorageError;
use crate::deliveries::{DeliveryFilter, DeliveryRecord, NewDelivery, StatusCounts, Verdict};
use crate::endpoints::EndpointRecord;
use crate::events::NewEvent;
use crate::replays::{Again, Replay, Selected, Selection, Step, Work};
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::Ordering;
use kanca_domain::ids::{DeliveryId, EndpointId, EventId};
use std::collections::{BTreeMap, HashMap};

/// The deliveries that must be there, with their events.
type Book = BTreeMap<DeliveryId, EventId>;

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
    book: &'a mut Book,
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
        self.book.extend(event.deliveries.iter().map(|delivery| (delivery.id, event.id)));
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
        let selection = Selection {
            project_id,
            endpoint_id,
            status,
            event_type: any.0,
            since: any.1,
            until: any.2,
            ended_by,
            before: None,
        };
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
        let there = everything(self.world).await;
        let dropped = self.world.storage.drop_old_events(self.world.project, before, None, 50).await.unwrap();
        let left: BTreeMap<_, _> = everything(self.world).await.into_iter().map(|record| (record.id, record)).collect();
        let mut gone = 0;
        for record in there {
            if let Some(still) = left.get(&record.id) {
                assert_eq!(still.status, record.status, "what is kept is not touched: {record:?}");
                continue;
            }
            assert_ne!(record.status, DeliveryStatus::Pending, "it had not ended: {record:?}");
            assert!(record.created_at < before, "it was not old enough: {record:?}");
            let whole = left.values().all(|other| other.event_id != record.event_id);
            assert!(whole, "an event goes with all of its deliveries: {record:?}");
            assert_eq!(self.book.remove(&record.id), Some(record.event_id));
            gone += 1;
        }
        assert_eq!(dropped.deliveries, gone, "what was dropped is told");
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

async fn play(world: &World, book: &mut Book, seed: u64, steps: usize) {
    let endpoints = vec![world.another_endpoint().await, world.another_endpoint().await];
    let dice = Dice(seed);
    let mut play = Play { world, dice, endpoints, deliveries: Vec::new(), claimed: Vec::new(), clock: 0, book };
    for _ in 0..steps {
        play.step().await;
    }
}

/// Nothing that must be there is missing, and nothing is there that nobody accepted.
async fn agrees(world: &World, book: &Book, everything: &[DeliveryRecord], seed: u64) {
    let there: Book = everything.iter().map(|record| (record.id, record.event_id)).collect();
    assert_eq!(there.len(), everything.len(), "none is listed twice (seed {seed})");
    assert_eq!(there, *book, "no delivery is lost (seed {seed})");
    for event in book.values() {
        assert!(world.storage.event(world.project, *event).await.unwrap().is_some(), "{event} is lost (seed {seed})");
    }
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
    let mut book = Book::new();
    for seed in 1..=6 {
        play(world, &mut book, seed * 7_919, 120).await;
        let everything = everything(world).await;
        agrees(world, &book, &everything, seed).await;
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
    let mut book = Book::new();
    for seed in 1..=3 {
        play(world, &mut book, seed * 104_729, 200).await;
        let everything_now = everything(world).await;
        agrees(world, &book, &everything_now, seed).await;
        for record in everything_now {
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
