//! What retention costs SQLite: the file stays bounded, and who writes meanwhile does not wait.

#![expect(clippy::unwrap_used, reason = "tests")]

use kanca_domain::events::EventData;
use kanca_storage::conformance::World;
use kanca_storage::conformance::world::at;
use kanca_storage::deliveries::Verdict;
use kanca_storage::events::NewEvent;
use kanca_storage::retention::{Oldest, Retention};
use kanca_storage_sqlite::{Options, SqliteStorage};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

async fn world(dir: &Path, options: &Options) -> (World, Arc<SqliteStorage>) {
    let storage = Arc::new(SqliteStorage::open_with(dir, options).unwrap());
    (World::new(storage.clone()).await, storage)
}

/// Events with one delivery each, which arrived; accepted in one commit.
async fn arrive(world: &World, events: usize, bytes: usize) {
    let text = format!("\"{}\"", "x".repeat(bytes));
    let data = EventData::parse(text.as_bytes()).unwrap();
    let events: Vec<_> =
        (0..events).map(|_| NewEvent { data: data.clone(), accepted_at: at(1), ..world.event_for_one() }).collect();
    let deliveries: Vec<_> = events.iter().map(|event| event.deliveries[0].id).collect();
    world.storage.accept_events(events).await.unwrap();
    let outcomes = deliveries.into_iter().map(|delivery| world.record(delivery, Verdict::Delivered, at(2)));
    futures_util::future::join_all(outcomes).await;
}

fn on_disk(dir: &Path) -> u64 {
    ["kanca.db", "kanca.db-wal"].iter().filter_map(|name| dir.join(name).metadata().ok()).map(|m| m.len()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_stay_bounded_whatever_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (world, storage) = world(dir.path(), &Options { checkpoint_pages: 128, ..Options::default() }).await;
    let keep = 4 * MIB;
    let (mut written, mut largest) = (0, 0);
    while written < 16 * keep {
        arrive(&world, 200, 2_000).await;
        written += 200 * 2_000;
        let mut after = Oldest::default();
        while storage.live_bytes().await.unwrap() > keep {
            after = storage.drop_oldest(after, 1_000).await.unwrap().next.unwrap();
        }
        largest = largest.max(on_disk(dir.path()));
    }
    assert!(storage.live_bytes().await.unwrap() > keep / 2, "no more is dropped than must be");
    assert!(largest < 3 * keep, "{written} bytes were written; the files grew to {largest}, live {keep}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_while_old_events_go_does_not_wait_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let (world, storage) = world(dir.path(), &Options::default()).await;
    for _ in 0..15 {
        arrive(&world, 1_000, 1_000).await;
    }
    let (world, done) = (Arc::new(world), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (world, done) = (world.clone(), done.clone());
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let event = NewEvent { accepted_at: at(9), ..world.event_for_one() };
                    let started = Instant::now();
                    world.accept(event).await;
                    waits.push(started.elapsed());
                }
                waits
            })
        })
        .collect();
    let (started, mut events, mut after) = (Instant::now(), 0, None);
    loop {
        let dropped = storage.drop_old_events(world.project, at(5), after, 1_000).await.unwrap();
        events += dropped.events;
        after = dropped.next;
        if after.is_none() {
            break;
        }
    }
    let took = started.elapsed();
    done.store(true, Ordering::Relaxed);
    let mut waits = Vec::new();
    for writer in writers {
        waits.extend(writer.await.unwrap());
    }
    waits.sort_unstable();
    let at_percent = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    println!(
        "{events} events dropped in {took:?} beside {} writes that waited p50 {:?}, p99 {:?}, at most {:?}",
        waits.len(),
        at_percent(50),
        at_percent(99),
        at_percent(100)
    );
    assert_eq!(events, 15_000);
    assert!(waits.len() > 100, "others write meanwhile");
    // A portion of everything at once would take a second or more; the bound is generous for a busy machine.
    assert!(at_percent(99) < Duration::from_millis(250), "p99 {:?}", at_percent(99));
}
