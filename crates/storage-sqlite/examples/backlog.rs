//! What claiming, listing and counting cost when an endpoint has a large backlog.
//!
//! `cargo run --release -p kanca-storage-sqlite --example backlog -- [deliveries in thousands]`

use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::events::EventData;
use kanca_domain::ids::{EndpointId, Id, ProjectId};
use kanca_storage::deliveries::{Deliveries, DeliveryFilter, NewDelivery, Outcome, Verdict};
use kanca_storage::endpoints::{EndpointRecord, Endpoints};
use kanca_storage::events::{Events, NewEvent};
use kanca_storage::{PageRequest, Storage};
use kanca_storage_sqlite::SqliteStorage;
use std::error::Error;
use std::time::Instant;

fn id<I: Id>(n: &mut u64) -> I {
    *n += 1;
    I::new(1_700_000_000_000 + *n / 100, &[[0; 2].as_slice(), &n.to_be_bytes()].concat().try_into().unwrap_or_default())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let thousands: u64 = std::env::args().nth(1).map_or(Ok(1000), |n| n.parse())?;
    let dir = std::env::temp_dir().join(format!("kanca-backlog-{}", std::process::id()));
    let storage = SqliteStorage::open(&dir)?;
    let mut n = 0;
    let now = Timestamp::from_second(1_700_000_000)?;
    let (project, endpoint): (ProjectId, EndpointId) = (id(&mut n), id(&mut n));
    let record = EndpointRecord {
        id: endpoint,
        project_id: project,
        name: "slow".into(),
        url: "https://example.com".into(),
        event_types: None,
        format: kanca_domain::formats::Format::Json,
        ordering: kanca_domain::endpoints::Ordering::None,
        status: kanca_domain::endpoints::EndpointStatus::Paused,
        disabled_reason: None,
        disabled_code: None,
        inbox_id: None,
        sealed_secret: Vec::new(),
        sealed_headers: Vec::new(),
        options: kanca_domain::endpoints::EndpointOptions::default(),
        sealed_options: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    storage.create_endpoint(record).await?;

    let begun = Instant::now();
    for _ in 0..thousands {
        let delivery = |n: &mut u64| NewDelivery {
            id: id(n),
            endpoint_id: endpoint,
            queue_key: None,
            due: now,
            waiter: None,
            claim: false,
        };
        let event = NewEvent {
            id: id(&mut n),
            project_id: project,
            event_type: "order.paid".parse()?,
            timestamp: now,
            accepted_at: now,
            data: EventData::parse(b"{}")?,
            ordering_key: None,
            idempotency: None,
            hops: 0,
            test: false,
            explanation: Vec::new(),
            deliveries: (0..1000).map(|_| delivery(&mut n)).collect(),
        };
        storage.accept_event(event).await?;
    }
    println!("{} deliveries stored in {:?}", thousands * 1000, begun.elapsed());

    let mut claimed = Vec::new();
    for round in 0..60 {
        let begun = Instant::now();
        let items = storage.claim_due(endpoint, now, 100).await?.items;
        if round % 20 == 0 || round == 59 {
            println!("claim_due of {} behind {} claims: {:?}", items.len(), claimed.len(), begun.elapsed());
        }
        claimed.extend(items.iter().map(|item| item.id));
    }
    let begun = Instant::now();
    for delivery_id in claimed.drain(..300) {
        let outcome = Outcome { delivery_id, attempt: None, verdict: Verdict::Failed, at: now };
        storage.record_outcome(&outcome).await?;
    }
    println!("300 outcomes, one after another: {:?}", begun.elapsed());

    let page = PageRequest { after: None, limit: 100 };
    for status in [None, Some(DeliveryStatus::Pending), Some(DeliveryStatus::Failed)] {
        let filter = DeliveryFilter { status, ..DeliveryFilter::default() };
        let begun = Instant::now();
        let listed = storage.deliveries(project, filter, page).await?.items.len();
        println!("a page of {listed} with status {status:?}: {:?}", begun.elapsed());
    }
    let begun = Instant::now();
    let counts = storage.delivery_counts(project).await?;
    println!("{counts:?}: {:?}", begun.elapsed());
    let begun = Instant::now();
    storage.delete_endpoint(project, endpoint, now).await?;
    println!("deleting the endpoint, all in one commit: {:?}", begun.elapsed());
    storage.close().await?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
