//! What concerns the storage as a whole.

use super::scenarios::new_bot;
use super::turns::{first_turn, message};
use super::world::{START, World, at};
use crate::StorageError;
use crate::accounts::{ApiKeyRecord, UserRecord};
use crate::conversations::Sender;
use crate::deliveries::Verdict;
use crate::events::Idempotency;
use kanca_domain::ids::Id;
use uuid::Uuid;

/// An id made at this millisecond.
fn at_millis<I: Id>(millis: u64) -> I {
    I::new(millis, &[9; 10])
}

pub async fn the_newest_id_is_known_for_every_kind(world: &World) {
    let mut millis = u64::try_from(START).unwrap() * 1000 + 1_000_000;
    let mut later = || {
        millis += 1000;
        millis
    };
    let newest = async || world.storage.newest_id_millis().await.unwrap();

    let mut endpoint = world.new_endpoint();
    let expected = later();
    endpoint.id = at_millis(expected);
    world.storage.create_endpoint(endpoint.clone()).await.unwrap();
    assert_eq!(newest().await, expected);

    let mut event = world.event();
    let expected = later();
    event.id = at_millis(expected);
    world.storage.accept_event(event).await.unwrap();
    assert_eq!(newest().await, expected);

    let mut event = world.event_for_one();
    let expected = later();
    event.deliveries[0].id = at_millis(expected);
    let delivery = world.accept(event).await;
    assert_eq!(newest().await, expected);

    let mut outcome = world.outcome(delivery, Verdict::Delivered, at(1));
    let expected = later();
    outcome.attempt.as_mut().unwrap().id = at_millis(expected);
    world.storage.record_outcome(&outcome).await.unwrap();
    assert_eq!(newest().await, expected);

    let mut turn = first_turn(world);
    let expected = later();
    turn.messages = vec![message(world, &turn, 1, Sender::Bot)];
    turn.messages[0].id = at_millis(expected);
    world.storage.commit_turn(turn).await.unwrap();
    assert_eq!(newest().await, expected);

    let mut turn = first_turn(world);
    let expected = later();
    turn.conversation.id = at_millis(expected);
    world.storage.commit_turn(turn).await.unwrap();
    assert_eq!(newest().await, expected);

    let mut bot = new_bot(world);
    let expected = later();
    bot.id = at_millis(expected);
    world.storage.create_bot(bot).await.unwrap();
    assert_eq!(newest().await, expected);

    let expected = later();
    let user = UserRecord {
        id: at_millis(expected),
        email: "ada@example.com".into(),
        password_hash: String::new(),
        created_at: at(0),
    };
    world.storage.save_user(user, None).await.unwrap();
    assert_eq!(newest().await, expected);

    let expected = later();
    let key = ApiKeyRecord {
        id: at_millis(expected),
        project_id: world.project,
        name: "ci".into(),
        hint: "kanca".into(),
        key_hash: [1; 32],
        created_at: at(0),
        last_used_at: None,
    };
    world.storage.create_api_key(key).await.unwrap();
    assert_eq!(newest().await, expected);

    world.storage.delete_endpoint(world.project, endpoint.id, at(1)).await.unwrap();
    assert_eq!(newest().await, expected, "deleting does not turn it back");
}

pub async fn the_newest_id_does_not_count_what_was_not_stored(world: &World) {
    let before = world.storage.newest_id_millis().await.unwrap();
    assert!(before >= u64::try_from(START).unwrap() * 1000 || before == 1_600_000_000_001);
    let mut twin = world.new_endpoint();
    twin.id = world.endpoint;
    world.storage.create_endpoint(twin).await.unwrap_err();
    let outcome = world.outcome(at_millis(before + 9000), Verdict::Delivered, at(1));
    world.storage.record_outcome(&outcome).await.unwrap_err();
    let taken = world.accept(world.event_for_one()).await;
    let before = world.storage.newest_id_millis().await.unwrap().max(before);
    let mut event = world.event_for_one();
    event.id = at_millis(before + 5000);
    event.deliveries[0].id = taken;
    event.idempotency = Some(Idempotency { key: "k".into(), fingerprint: [1; 32] });
    world.storage.accept_event(event).await.unwrap_err();
    world.storage.probe().await.unwrap();
    assert_eq!(world.storage.newest_id_millis().await.unwrap(), before);
}

pub async fn a_probe_succeeds(world: &World) {
    for _ in 0..3 {
        world.storage.probe().await.unwrap();
    }
}

pub async fn after_closing_nothing_is_available(world: &World) {
    world.accept(world.event_for_one()).await;
    world.storage.close().await.unwrap();
    for refused in [
        world.storage.probe().await,
        world.storage.projects().await.map(drop),
        world.storage.accept_event(world.event()).await.map(drop),
        world.storage.claim(vec![Id::from_uuid(Uuid::nil())]).await.map(drop),
    ] {
        assert!(matches!(refused, Err(StorageError::Unavailable(_))), "{refused:?}");
    }
    world.storage.close().await.unwrap();
}
