//! Turns: all that one input of a conversation leads to, or nothing of it.

use super::world::{World, at, idempotency};
use crate::StorageError;
use crate::conversations::{ContactRecord, ConversationRecord, MessageRecord, Sender, Timer, Turn};
use crate::deliveries::Verdict;
use crate::events::{Accepted, NewEvent};
use futures_util::future::join_all;
use kanca_domain::deliveries::DeliveryStatus;
use serde_json::json;

fn object(value: &serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// The first turn of a new conversation with a new contact, without messages.
pub(super) fn first_turn(world: &World) -> Turn {
    let contact = ContactRecord {
        id: world.id(),
        project_id: world.project,
        bot_id: world.id(),
        external_id: None,
        attributes: object(&json!({"ad": "Ayşe", "n": 1.5, "a": null, "Z": [1, {"b": true}]})),
        created_at: at(0),
        updated_at: at(0),
    };
    let conversation = ConversationRecord {
        id: world.id(),
        project_id: world.project,
        bot_id: contact.bot_id,
        scenario_id: world.id(),
        version_id: world.id(),
        contact_id: contact.id,
        token_hash: [5; 32],
        ended: false,
        test: false,
        state: r#"{"at":"start"}"#.into(),
        revision: 1,
        last_seq: 0,
        processed_seq: 0,
        timer: None,
        block_id: None,
        created_at: at(0),
        updated_at: at(0),
    };
    Turn { conversation, contact: Some(contact), messages: Vec::new(), events: Vec::new(), outcome: None }
}

/// The turn after this one, with nothing in it.
pub(super) fn next_turn(turn: &Turn) -> Turn {
    let conversation = ConversationRecord { revision: turn.conversation.revision + 1, ..turn.conversation.clone() };
    Turn { conversation, contact: None, messages: Vec::new(), events: Vec::new(), outcome: None }
}

pub(super) fn message(world: &World, turn: &Turn, seq: u64, from: Sender) -> MessageRecord {
    MessageRecord {
        id: world.id(),
        conversation_id: turn.conversation.id,
        seq,
        from,
        text: format!("message {seq}"),
        extra: serde_json::Map::new(),
        block_id: None,
        client_id: None,
        created_at: at(1),
    }
}

async fn messages(world: &World, turn: &Turn) -> Vec<MessageRecord> {
    world.storage.messages(world.project, turn.conversation.id, 0, 100).await.unwrap()
}

/// Nothing of this later turn may be there.
async fn assert_nothing_of(world: &World, before: &Turn, refused: &Turn) {
    let stored = world.storage.conversation(world.project, before.conversation.id).await.unwrap().unwrap();
    assert_eq!(stored.conversation, before.conversation);
    assert_eq!(Some(stored.contact), before.contact);
    assert_eq!(messages(world, before).await, before.messages);
    for event in &refused.events {
        assert!(world.storage.event(world.project, event.id).await.unwrap().is_none());
    }
    if let Some(outcome) = &refused.outcome
        && let Some((delivery, attempts)) = world.storage.delivery(world.project, outcome.delivery_id).await.unwrap()
    {
        assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Pending, 0));
    }
}

/// A later turn with something of everything in it.
fn full_turn(world: &World, before: &Turn) -> Turn {
    let contact = before.contact.clone().map(|contact| ContactRecord { updated_at: at(9), ..contact });
    let conversation = ConversationRecord {
        last_seq: 2,
        processed_seq: 1,
        state: r#"{"at":"end"}"#.into(),
        block_id: Some("b2".into()),
        timer: Some(Timer { due: at(60), token: 4 }),
        updated_at: at(9),
        ..next_turn(before).conversation
    };
    let messages = vec![message(world, before, 1, Sender::Contact), message(world, before, 2, Sender::Bot)];
    Turn { conversation, contact, messages, events: vec![world.event_with_key("c")], outcome: None }
}

pub async fn the_first_turn_stores_everything(world: &World) {
    let mut turn = first_turn(world);
    let hello = MessageRecord {
        extra: object(&json!({"choices": ["a", "b"], "choice_style": "buttons"})),
        block_id: Some("b1".into()),
        client_id: Some("c-1".into()),
        ..message(world, &turn, 1, Sender::Contact)
    };
    turn.messages = vec![hello, message(world, &turn, 2, Sender::Bot), message(world, &turn, 3, Sender::Agent)];
    turn.messages.push(message(world, &turn, 4, Sender::Note));
    turn.conversation.last_seq = 4;
    turn.conversation.timer = Some(Timer { due: at(30), token: 1 });
    turn.events = vec![world.event_for_one()];
    let stored = world.storage.commit_turn(turn.clone()).await.unwrap();
    assert_eq!(stored.events, [Accepted::New { held: vec![] }]);
    assert_eq!(stored.outcome, None);
    let (conversation, contact) = world.storage.conversation_for_chat(turn.conversation.id).await.unwrap().unwrap();
    assert_eq!(conversation, turn.conversation);
    assert_eq!(contact, turn.contact.clone().unwrap());
    let keys: Vec<_> = contact.attributes.keys().cloned().collect();
    assert_eq!(keys, ["ad", "n", "a", "Z"], "attributes keep their order");
    assert_eq!(messages(world, &turn).await, turn.messages);
    assert_eq!(world.claim_due(at(1), 10).await.0, [turn.events[0].deliveries[0].id]);
}

pub async fn a_later_turn_replaces_the_conversation(world: &World) {
    let first = first_turn(world);
    world.storage.commit_turn(first.clone()).await.unwrap();
    let second = full_turn(world, &first);
    world.storage.commit_turn(second.clone()).await.unwrap();
    let stored = world.storage.conversation(world.project, first.conversation.id).await.unwrap().unwrap();
    assert_eq!(stored.conversation, second.conversation);
    assert_eq!(Some(stored.contact), second.contact);
    let mut third = next_turn(&second);
    third.conversation.ended = true;
    third.conversation.timer = None;
    world.storage.commit_turn(third.clone()).await.unwrap();
    let stored = world.storage.conversation(world.project, first.conversation.id).await.unwrap().unwrap();
    assert_eq!(stored.conversation, third.conversation);
    assert_eq!(messages(world, &first).await, second.messages, "messages stay");
}

pub async fn a_turn_that_was_passed_by_leaves_nothing(world: &World) {
    let first = first_turn(world);
    world.storage.commit_turn(first.clone()).await.unwrap();
    let second = next_turn(&first);
    world.storage.commit_turn(second.clone()).await.unwrap();
    let now = Turn { contact: first.contact.clone(), ..second };
    let delivery = world.accept(world.event_for_one()).await;
    let mut behind = full_turn(world, &first);
    behind.outcome = Some(world.outcome(delivery, Verdict::Delivered, at(1)));
    let mut ahead = Turn { events: vec![world.event_for_one()], ..behind.clone() };
    ahead.conversation.revision = 4;
    let again = Turn { events: vec![world.event_for_one()], ..first };
    for wrong in [behind, ahead, again] {
        let refused = world.storage.commit_turn(wrong.clone()).await;
        assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
        assert_nothing_of(world, &now, &wrong).await;
    }
}

pub async fn of_two_owners_one_wins(world: &World) {
    let first = first_turn(world);
    world.storage.commit_turn(first.clone()).await.unwrap();
    let turns: Vec<_> = (0..10).map(|_| full_turn(world, &first)).collect();
    let stored = join_all(turns.iter().map(|turn| world.storage.commit_turn(turn.clone()))).await;
    assert_eq!(stored.iter().filter(|stored| stored.is_ok()).count(), 1);
    assert!(stored.iter().all(|stored| matches!(stored, Ok(_) | Err(StorageError::Conflict(_)))), "{stored:?}");
    assert_eq!(messages(world, &first).await.len(), 2);
    assert_eq!(world.storage.delivery_counts(world.project).await.unwrap().pending, 1);
}

pub async fn a_message_number_is_given_once(world: &World) {
    let mut first = first_turn(world);
    first.messages = vec![message(world, &first, 1, Sender::Bot)];
    world.storage.commit_turn(first.clone()).await.unwrap();
    let second = full_turn(world, &first);
    let refused = world.storage.commit_turn(second.clone()).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert_nothing_of(world, &first, &second).await;
}

pub async fn a_client_id_is_taken_once_in_a_conversation(world: &World) {
    let said = |turn: &Turn, seq| MessageRecord {
        client_id: Some("c-1".into()),
        ..message(world, turn, seq, Sender::Contact)
    };
    let mut first = first_turn(world);
    first.messages = vec![said(&first, 1)];
    world.storage.commit_turn(first.clone()).await.unwrap();
    let mut second = next_turn(&first);
    second.messages = vec![message(world, &first, 2, Sender::Bot), said(&first, 3)];
    second.events = vec![world.event_for_one()];
    let refused = world.storage.commit_turn(second.clone()).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert_nothing_of(world, &first, &second).await;
    let mut elsewhere = first_turn(world);
    elsewhere.messages = vec![said(&elsewhere, 1)];
    world.storage.commit_turn(elsewhere.clone()).await.unwrap();
    let found = world.storage.message_by_client_id(first.conversation.id, "c-1").await.unwrap();
    assert_eq!(found.as_ref(), Some(&first.messages[0]));
    assert_eq!(world.storage.message_by_client_id(first.conversation.id, "c-2").await.unwrap(), None);
}

pub async fn a_turn_records_the_outcome_that_led_to_it(world: &World) {
    let running = world.accept(world.event_with_key("a")).await;
    let held = world.accept(world.event_with_key("a")).await;
    let turn = Turn { outcome: Some(world.outcome(running, Verdict::Delivered, at(3))), ..first_turn(world) };
    let recorded = world.storage.commit_turn(turn).await.unwrap().outcome.unwrap();
    assert_eq!((recorded.status, recorded.promoted), (DeliveryStatus::Delivered, Some(held)));
    let (delivery, attempts) = world.storage.delivery(world.project, running).await.unwrap().unwrap();
    assert_eq!((delivery.status, delivery.completed_at), (DeliveryStatus::Delivered, Some(at(3))));
    assert_eq!(attempts.len(), 1);
}

pub async fn a_turn_with_an_unknown_delivery_leaves_nothing(world: &World) {
    let first = first_turn(world);
    world.storage.commit_turn(first.clone()).await.unwrap();
    let mut second = full_turn(world, &first);
    second.outcome = Some(world.outcome(world.id(), Verdict::Delivered, at(3)));
    let refused = world.storage.commit_turn(second.clone()).await;
    assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
    assert_nothing_of(world, &first, &second).await;
}

pub async fn a_turn_answers_for_each_event_in_order(world: &World) {
    let known = NewEvent { idempotency: idempotency("k", 1), ..world.event() };
    let event_id = known.id;
    world.storage.accept_event(known).await.unwrap();
    let events = vec![
        world.event(),
        NewEvent { idempotency: idempotency("k", 1), ..world.event() },
        NewEvent { idempotency: idempotency("k", 2), ..world.event() },
        world.event_for_one(),
    ];
    let stored = world.storage.commit_turn(Turn { events, ..first_turn(world) }).await.unwrap();
    let new = Accepted::New { held: vec![] };
    let expected = [new.clone(), Accepted::Repeated { event_id }, Accepted::KeyTaken { event_id }, new];
    assert_eq!(stored.events, expected);
}

pub async fn an_external_id_belongs_to_one_contact_of_a_bot(world: &World) {
    let mut first = first_turn(world);
    let known = ContactRecord { external_id: Some("42".into()), ..first.contact.clone().unwrap() };
    first.contact = Some(known.clone());
    world.storage.commit_turn(first.clone()).await.unwrap();
    let found = world.storage.contact_by_external_id(known.bot_id, "42").await.unwrap();
    assert_eq!(found, Some(known.clone()));
    let mut twin = first_turn(world);
    let contact = twin.contact.as_mut().unwrap();
    (contact.bot_id, contact.external_id) = (known.bot_id, Some("42".into()));
    let refused = world.storage.commit_turn(twin.clone()).await;
    assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
    assert!(world.storage.conversation_for_chat(twin.conversation.id).await.unwrap().is_none());
    let mut stranger = first_turn(world);
    stranger.contact.as_mut().unwrap().external_id = Some("42".into());
    world.storage.commit_turn(stranger.clone()).await.unwrap();
    assert_eq!(world.storage.contact_by_external_id(known.bot_id, "42").await.unwrap(), Some(known));
    assert_eq!(world.storage.contact_by_external_id(world.id(), "42").await.unwrap(), None);
}

/// Each conversation hands over what it changed, and may not have seen what another one changed meanwhile.
pub async fn conversations_that_share_a_contact_do_not_undo_each_others_attributes(world: &World) {
    let mut first = first_turn(world);
    let contact = first.contact.as_mut().unwrap();
    contact.attributes = object(&json!({"name": "Ada", "plan": "gold"}));
    let known = contact.clone();
    world.storage.commit_turn(first.clone()).await.unwrap();

    let mut second = first_turn(world);
    (second.conversation.project_id, second.conversation.bot_id) = (known.project_id, known.bot_id);
    second.conversation.contact_id = known.id;
    second.contact = Some(ContactRecord { attributes: object(&json!({"plan": "silver", "city": null})), ..known });
    world.storage.commit_turn(second.clone()).await.unwrap();
    for conversation in [first.conversation.id, second.conversation.id] {
        let (_, contact) = world.storage.conversation_for_chat(conversation).await.unwrap().unwrap();
        assert_eq!(contact.attributes, object(&json!({"name": "Ada", "plan": "silver", "city": null})));
    }
}
