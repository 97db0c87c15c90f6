//! Published data is checked against the schema of its type, and a change is in force when its call returns.

use super::support::{World, eventually};
use kanca_domain::events::EventData;
use kanca_domain::ids::EventId;
use kanca_domain::projects::Validation;
use kanca_engine::EngineError;
use kanca_engine::event_types::{EventTypePatch, NewEventType};
use kanca_engine::events::{Publication, Published};
use kanca_engine::projects::ProjectPatch;
use kanca_engine::storage::PageRequest;

fn publication(data: &str) -> Publication {
    Publication {
        event_type: "order.paid".parse().unwrap(),
        data: EventData::parse(data.as_bytes()).unwrap(),
        timestamp: None,
        ordering_key: None,
        idempotency_key: None,
        hops: 0,
    }
}

async fn register(world: &World, schema: &str) {
    let new = NewEventType { name: "order.paid".into(), schema: Some(schema.into()), ..NewEventType::default() };
    world.engine.create_event_type(world.project(), new).await.unwrap();
}

async fn validate(world: &World, validation: Validation) {
    let patch = ProjectPatch { validation: Some(validation), ..ProjectPatch::default() };
    world.engine.patch_project(world.project(), patch).await.unwrap();
}

async fn change(world: &World, schema: Option<&str>) {
    let patch = EventTypePatch { schema: Some(schema.map(Into::into)), ..EventTypePatch::default() };
    world.engine.patch_event_type(world.project(), "order.paid", patch).await.unwrap();
}

async fn publish(world: &World, data: &str) -> Result<EventId, Vec<String>> {
    match world.engine.publish(world.project(), publication(data)).await {
        Ok(Published::New(id) | Published::Repeated(id)) => Ok(id),
        Err(EngineError::Invalid(faults)) => Err(faults.into_iter().map(|fault| fault.field).collect()),
        Err(other) => panic!("{other}"),
    }
}

async fn events(world: &World) -> usize {
    let page = PageRequest { after: None, limit: 100 };
    world.engine.events(world.project(), None, page).await.unwrap().items.len()
}

const INTEGER: &str = r#"{"properties":{"n":{"type":"integer"}}}"#;
const TEXT: &str = r#"{"properties":{"n":{"type":"string"}}}"#;

#[tokio::test]
async fn a_change_of_a_schema_or_of_the_setting_is_in_force_at_once() {
    let world = World::new().await;
    register(&world, INTEGER).await;
    publish(&world, r#"{"n":"x"}"#).await.expect("nothing is checked unless one wants it");
    validate(&world, Validation::Reject).await;
    assert_eq!(publish(&world, r#"{"n":"x"}"#).await, Err(vec!["data/n".into()]));
    change(&world, Some(TEXT)).await;
    publish(&world, r#"{"n":"x"}"#).await.unwrap();
    assert_eq!(publish(&world, r#"{"n":1}"#).await, Err(vec!["data/n".into()]));
    change(&world, None).await;
    publish(&world, r#"{"n":1}"#).await.expect("without a schema everything is allowed");
    change(&world, Some(TEXT)).await;
    let world = world.restart().await;
    assert_eq!(publish(&world, r#"{"n":1}"#).await, Err(vec!["data/n".into()]), "a restart changes nothing");
    world.engine.delete_event_type(world.project(), "order.paid").await.unwrap();
    publish(&world, r#"{"n":1}"#).await.unwrap();
    assert_eq!(events(&world).await, 4, "what was refused was not written");
}

#[tokio::test]
async fn the_data_of_a_test_event_is_checked_as_published_data_is() {
    let world = World::new().await;
    let endpoint = world.endpoint("shop", &["*"]).await.record.id;
    register(&world, r#"{"required":["n"],"properties":{"n":{"type":"integer"}}}"#).await;
    let test = async |data: Option<&str>| {
        let data = data.map(|data| EventData::parse(data.as_bytes()).unwrap());
        let event_type = Some("order.paid".parse().unwrap());
        match world.engine.send_test(world.project(), endpoint, event_type, data).await {
            Ok(sent) => Ok(world.engine.event(world.project(), sent.event_id).await.unwrap().explanation.len()),
            Err(EngineError::Invalid(faults)) => Err(faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>()),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(test(Some(r#"{"n":"x"}"#)).await, Ok(1), "that it is a test");
    validate(&world, Validation::Warn).await;
    assert_eq!(test(Some(r#"{"n":"x"}"#)).await, Ok(2), "and what is wrong with its data");
    validate(&world, Validation::Reject).await;
    assert_eq!(test(Some(r#"{"n":"x"}"#)).await, Err(vec!["data/n".into()]));
    assert_eq!(test(None).await, Err(vec!["data".into()]), "Kanca's own sentence is no order");
    assert_eq!(test(Some(r#"{"n":1}"#)).await, Ok(1));
}

#[tokio::test]
async fn a_batch_is_refused_as_a_whole_or_each_of_it_warned_of() {
    let world = World::new().await;
    let endpoint = world.endpoint("shop", &["*"]).await;
    register(&world, INTEGER).await;
    let batch = || [r#"{"n":1}"#, r#"{"n":"x"}"#, r#"{"n":2}"#, r#"{"n":[]}"#].map(publication).to_vec();
    validate(&world, Validation::Reject).await;
    let Err(EngineError::Invalid(faults)) = world.engine.publish_all(world.project(), batch()).await else {
        panic!("accepted")
    };
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["events[1].data/n", "events[3].data/n"]);
    assert_eq!(events(&world).await, 0);

    validate(&world, Validation::Warn).await;
    let published = world.engine.publish_all(world.project(), batch()).await.unwrap();
    let mut warned = Vec::new();
    for one in published {
        let (Published::New(id) | Published::Repeated(id)) = one;
        let event = world.engine.event(world.project(), id).await.unwrap();
        warned.push(event.explanation.iter().any(|told| told.reason.contains("at /n:")));
        eventually("it is delivered all the same", async || world.asked_for(id) == 1).await;
    }
    assert_eq!(warned, [false, true, false, true]);
    eventually("all four are recorded", async || {
        world.engine.endpoint_counts(world.project()).await.unwrap()[&endpoint.record.id].delivered == 4
    })
    .await;
}

#[tokio::test]
async fn data_that_takes_too_long_to_check_is_refused_and_nobody_waits_for_it() {
    let world = World::new().await;
    register(&world, r#"{"type":"string","pattern":"1[01]{900}[2-9]"}"#).await;
    validate(&world, Validation::Reject).await;
    let slow = format!("\"{}\"", "1101".repeat(100_000));
    let begun = std::time::Instant::now();
    let (refused, quick) = tokio::join!(publish(&world, &slow), async {
        world.engine.publish(world.project(), publication("5")).await.unwrap_err();
        world.publish("order.shipped", None).await;
        begun.elapsed()
    });
    assert_eq!(refused, Err(vec!["data".into()]));
    assert!(quick < std::time::Duration::from_secs(5), "{quick:?}");
}
