//! What SQLite must do beyond the port: survive a kill, share commits, own its directory, live through a full disk.

#![expect(clippy::unwrap_used, reason = "tests")]

use futures_util::future::join_all;
use kanca_domain::ids::EventId;
use kanca_storage::conformance::World;
use kanca_storage::conformance::world::at;
use kanca_storage::deliveries::{Deliveries, DeliveryFilter, Verdict};
use kanca_storage::events::{Events, NewEvent};
use kanca_storage::{PageRequest, SharedStorage, Storage, StorageError};
use kanca_storage_sqlite::{Options, SqliteStorage};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

async fn world(dir: &Path) -> (World, Arc<SqliteStorage>) {
    world_with(dir, &Options::default()).await
}

async fn world_with(dir: &Path, options: &Options) -> (World, Arc<SqliteStorage>) {
    let storage = Arc::new(SqliteStorage::open_with(dir, options).unwrap());
    (World::new(storage.clone()).await, storage)
}

fn with_data(world: &World, bytes: usize) -> NewEvent {
    let text = format!("\"{}\"", "x".repeat(bytes));
    NewEvent { data: kanca_domain::events::EventData::parse(text.as_bytes()).unwrap(), ..world.event_for_one() }
}

/// Not a test by itself: the process that `a_kill_loses_nothing_acknowledged` starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer_to_be_killed() {
    let Some(dir) = std::env::var_os("KANCA_TEST_KILL_DIR") else { return };
    let (world, _) = world(Path::new(&dir)).await;
    join_all((0..16).map(|caller| {
        let world = &world;
        async move {
            for n in 0_u32.. {
                let mut event = with_data(world, 200);
                event.deliveries[0].claim = true;
                let id = event.id;
                let delivery = world.accept(event).await;
                println!("accepted {id} {delivery}");
                if (n + caller) % 2 == 0 {
                    world.record(delivery, Verdict::Delivered, at(1)).await;
                    println!("delivered {id} {delivery}");
                }
                std::io::stdout().flush().unwrap();
            }
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer_to_be_killed", "--nocapture"])
        .env("KANCA_TEST_KILL_DIR", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut accepted, mut delivered) = (Vec::new(), Vec::new());
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("accepted"), Some(event), Some(delivery)) if delivery.len() == 36 => {
                accepted.push(event.parse::<EventId>().unwrap());
            }
            (Some("delivered"), _, Some(delivery)) if delivery.len() == 36 => delivered.push(delivery.parse().unwrap()),
            _ => {}
        }
        if !killed && accepted.len() >= 1000 {
            child.kill().unwrap();
            killed = true;
        }
    }
    assert!(!child.wait().unwrap().success() && killed);

    let storage = SqliteStorage::open(dir.path()).unwrap();
    let projects = kanca_storage::accounts::Accounts::projects(&storage).await.unwrap();
    let project = projects[0].id;
    for event in &accepted {
        let stored = storage.event(project, *event).await.unwrap().unwrap();
        assert_eq!(stored.deliveries.pending + stored.deliveries.delivered, 1, "an event has its delivery");
    }
    for delivery in &delivered {
        let (_, attempts) = storage.delivery(project, *delivery).await.unwrap().unwrap();
        assert_eq!(attempts.len(), 1);
    }
    let counts = storage.delivery_counts(project).await.unwrap();
    assert!(counts.delivered >= delivered.len() as u64);
    assert!(counts.pending + counts.delivered >= accepted.len() as u64);
    let mut listed = (0, 0);
    let mut page = PageRequest { after: None, limit: 200 };
    loop {
        let part = storage.deliveries(project, DeliveryFilter::default(), page).await.unwrap();
        listed.0 += part.items.iter().filter(|delivery| delivery.completed_at.is_none()).count() as u64;
        listed.1 += part.items.iter().filter(|delivery| delivery.completed_at.is_some()).count() as u64;
        page.after = part.next;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!((counts.pending, counts.delivered), listed, "the counters equal a recount");
    let endpoint = kanca_storage::endpoints::Endpoints::all_endpoints(&storage).await.unwrap()[0].id;
    let claimed = storage.claim_due(endpoint, at(9), u32::MAX).await.unwrap();
    assert_eq!(claimed.items.len() as u64, counts.pending, "claims of the killed process are void");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_reopening_everything_is_there_and_nothing_is_claimed() {
    let dir = tempfile::tempdir().unwrap();
    let (first, storage) = world(dir.path()).await;
    let mut event = first.event_for_one();
    event.deliveries[0].claim = true;
    let taken = first.accept(event).await;
    assert_eq!(first.claim_due(at(1), 10).await.0, []);
    let newest = storage.newest_id_millis().await.unwrap();
    let (project, endpoint) = (first.project, first.endpoint);
    drop((first, storage));

    let storage = SqliteStorage::open(dir.path()).unwrap();
    let claimed = storage.claim_due(endpoint, at(1), 10).await.unwrap().items;
    assert_eq!(claimed.iter().map(|item| item.id).collect::<Vec<_>>(), [taken]);
    assert_eq!(storage.delivery_counts(project).await.unwrap().pending, 1);
    assert_eq!(storage.newest_id_millis().await.unwrap(), newest);
}

/// What a power cut leaves: the files as they are at this moment, of which the database may lack what the journal has.
fn copy_of(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(dir).unwrap().map(Result::unwrap).filter(|file| file.file_name() != "lock") {
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_only_in_the_journal_is_applied_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _storage) = world(dir.path()).await;
    // A start with nothing to do, so that the copies differ from it in the journal alone.
    let before = copy_of(dir.path());
    let mut events = Vec::new();
    for n in 0..20 {
        let mut event = first.event_for_one();
        event.deliveries[0].claim = true;
        let (id, delivery) = (event.id, first.accept(event).await);
        if n % 2 == 0 {
            first.record(delivery, Verdict::Delivered, at(1)).await;
        }
        events.push((id, delivery, n % 2 == 0));
    }
    let after = copy_of(dir.path());
    // The database of before with the journal of after is what a power cut leaves that lost the unsynced log.
    for n in 0..4 {
        let name = format!("journal-{n}");
        let journal = after.path().join(&name);
        if journal.exists() {
            std::fs::copy(journal, before.path().join(&name)).unwrap();
        }
    }
    for _start in 0..2 {
        let storage = SqliteStorage::open(before.path()).unwrap();
        for (event, delivery, delivered) in &events {
            let stored = storage.event(first.project, *event).await.unwrap().unwrap().deliveries;
            assert_eq!((stored.delivered, stored.pending), (u64::from(*delivered), u64::from(!delivered)));
            let (_, attempts) = storage.delivery(first.project, *delivery).await.unwrap().unwrap();
            assert_eq!(attempts.len(), usize::from(*delivered), "and nothing twice");
        }
        let counts = storage.delivery_counts(first.project).await.unwrap();
        assert_eq!((counts.delivered, counts.pending), (10, 10));
        let claimed = storage.claim_due(first.endpoint, at(9), 100).await.unwrap();
        assert_eq!(claimed.items.len(), 10, "nobody holds a claim after a start");
        storage.release(claimed.items.iter().map(|item| item.id).collect()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_stays_deleted_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (first, storage) = world(dir.path()).await;
    let event = first.event_for_one();
    let (project, endpoint, delivery) = (first.project, first.endpoint, event.deliveries[0].id);
    first.storage.delete_endpoint(project, endpoint, at(1)).await.unwrap();
    drop((first, storage));

    let storage = SqliteStorage::open(dir.path()).unwrap();
    storage.accept_event(event).await.unwrap();
    assert!(storage.delivery(project, delivery).await.unwrap().unwrap().0.completed_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_come_together_share_commits() {
    let dir = tempfile::tempdir().unwrap();
    let (world, storage) = world(dir.path()).await;
    let before = storage.commits();
    let accepted = join_all((0..500).map(|_| world.storage.accept_event(world.event_for_one()))).await;
    assert!(accepted.iter().all(Result::is_ok));
    let commits = storage.commits() - before;
    assert!(commits < 100, "{commits} commits for 500 events");
}

#[tokio::test]
async fn a_second_process_is_refused_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let first = SqliteStorage::open(dir.path()).unwrap();
    let Err(StorageError::Unavailable(why)) = SqliteStorage::open(dir.path()) else { panic!("it was opened twice") };
    assert!(why.contains(&dir.path().display().to_string()), "{why}");
    assert!(why.contains(&format!("process {}", std::process::id())), "{why}");
    first.close().await.unwrap();
    drop(first);
    SqliteStorage::open(dir.path()).unwrap();
}

#[tokio::test]
async fn only_its_owner_can_read_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("new").join("kanca-data");
    let storage = SqliteStorage::open(&data).unwrap();
    storage.probe().await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in ["kanca.db", "kanca.db-wal", "kanca.db-shm", "lock"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStorage::open(dir.path()).unwrap());
    let sql = rusqlite::Connection::open(dir.path().join("kanca.db")).unwrap();
    sql.execute("INSERT INTO schema_migrations VALUES (9999, 'from the future')", []).unwrap();
    drop(sql);
    let Err(StorageError::Unavailable(why)) = SqliteStorage::open(dir.path()) else { panic!("it was opened") };
    assert!(why.contains("newer version") && why.contains("9999"), "{why}");
}

#[test]
fn a_damaged_database_is_refused_with_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("kanca.db"), vec![7; 50_000]).unwrap();
    let Err(StorageError::Internal(why)) = SqliteStorage::open(dir.path()) else { panic!("it was opened") };
    assert!(why.contains("damaged") && why.contains("backup"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_keeps_what_is_there_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_pages: Some(200), ..Options::default() };
    let (world, storage) = world_with(dir.path(), &options).await;
    let mut stored = Vec::new();
    let mut running = None;
    let full = loop {
        let event = with_data(&world, 20_000);
        let (id, delivery) = (event.id, event.deliveries[0].id);
        match world.storage.accept_event(event).await {
            Ok(_) => {
                running = running.or(Some(delivery));
                stored.push(id);
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(full, StorageError::Full(_)), "{full:?}");
    assert!(stored.len() > 10);
    let running = running.unwrap();
    world.claim(running).await.unwrap();

    // Callers that come together all learn it, and what they wanted to take is not taken.
    let together: Vec<_> = (0..50)
        .map(|_| {
            let mut event = with_data(&world, 20_000);
            event.deliveries[0].claim = true;
            event
        })
        .collect();
    let refused = join_all(together.iter().map(|event| world.storage.accept_event(event.clone()))).await;
    assert!(refused.iter().all(|refused| matches!(refused, Err(StorageError::Full(_)))), "{refused:?}");
    for event in &together {
        assert!(world.storage.event(world.project, event.id).await.unwrap().is_none());
    }
    for id in &stored {
        let event = world.storage.event(world.project, *id).await.unwrap().unwrap();
        assert_eq!(event.data.unwrap().as_str().len(), 20_002);
    }
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, stored.len() as u64);
    assert_eq!(world.claim(running).await.map(|item| item.id), None, "a claim outlives the trouble");

    storage.set_max_pages(1_000_000).await.unwrap();
    for event in together {
        world.accept(event).await;
    }
    world.record(running, Verdict::Delivered, at(1)).await;
    let counts = world.storage.delivery_counts(world.project).await.unwrap();
    assert_eq!((counts.pending, counts.delivered), (stored.len() as u64 + 49, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_callers_at_once_only_the_one_that_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_pages: Some(400), ..Options::default() };
    let (world, _) = world_with(dir.path(), &options).await;
    let events: Vec<_> = (0..40).map(|n| with_data(&world, if n == 20 { 5_000_000 } else { 100 })).collect();
    let accepted = join_all(events.iter().map(|event| world.storage.accept_event(event.clone()))).await;
    for (n, (event, accepted)) in events.iter().zip(&accepted).enumerate() {
        let stored = world.storage.event(world.project, event.id).await.unwrap().is_some();
        assert_eq!(accepted.is_ok(), stored, "{n}: {accepted:?}");
        assert_eq!(stored, n != 20, "{n}: {accepted:?}");
    }
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 39);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_has_no_place_in_the_tables_costs_the_others_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (world, _) = world(dir.path()).await;
    let first = world.event_for_one();
    world.accept(first.clone()).await;
    let before = world.storage.event(world.project, first.id).await.unwrap().unwrap();
    let mut events: Vec<_> = (0..100).map(|_| world.event_for_one()).collect();
    // What no caller does: an id that was given before.
    events[70] = NewEvent { id: first.id, ..with_data(&world, 10) };
    join_all(events.iter().map(|event| world.storage.accept_event(event.clone()))).await;
    for (n, event) in events.iter().enumerate() {
        let stored = world.storage.event(world.project, event.id).await.unwrap();
        assert_eq!(stored.unwrap().data.as_ref() == Some(&event.data), n != 70, "{n}");
        let delivery = world.storage.delivery(world.project, event.deliveries[0].id).await.unwrap();
        assert_eq!(delivery.is_some(), n != 70, "{n}");
    }
    let after = world.storage.event(world.project, first.id).await.unwrap().unwrap();
    assert_eq!(after.data, before.data);
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_do_not_wait_for_a_long_write() {
    let dir = tempfile::tempdir().unwrap();
    let (world, _) = world(dir.path()).await;
    let large =
        |_| NewEvent { deliveries: (0..200).map(|_| world.delivery(world.endpoint)).collect(), ..world.event() };
    let events: Vec<_> = (0..100).map(large).collect();
    let storage: SharedStorage = world.storage.clone();
    let mut long = tokio::spawn(async move { storage.accept_events(events).await });
    let mut reads = 0;
    while !long.is_finished() {
        let counts = world.storage.delivery_counts(world.project).await.unwrap();
        assert!(counts.pending == 0 || counts.pending == 20_000, "one moment or the other: {counts:?}");
        reads += u32::from(counts.pending == 0);
    }
    (&mut long).await.unwrap().unwrap();
    assert!(reads > 3, "{reads} reads during the write");
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 20_000);
}
