//! Reading conversations and messages, and their timers.

use super::turns::{first_turn, message, next_turn};
use super::world::{World, all, at, first};
use crate::conversations::{ConversationCounts, ConversationFilter, ConversationSummary, Sender, Timer, Turn};
use kanca_domain::ids::ConversationId;

async fn listed(world: &World, filter: ConversationFilter, limit: u32) -> Vec<ConversationSummary> {
    all(limit, async |page| world.storage.conversations(world.project, filter, page).await.unwrap()).await
}

async fn start(world: &World, change: impl FnOnce(&mut Turn)) -> Turn {
    let mut turn = first_turn(world);
    change(&mut turn);
    world.storage.commit_turn(turn.clone()).await.unwrap();
    turn
}

pub async fn messages_are_read_in_order_after_a_number(world: &World) {
    let turn = start(world, |turn| {
        turn.messages = [3, 1, 5, 2, 4].map(|seq| message(world, turn, seq, Sender::Bot)).into();
    })
    .await;
    let read = async |after, limit| {
        let read = world.storage.messages(world.project, turn.conversation.id, after, limit).await.unwrap();
        read.iter().map(|message| message.seq).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 100).await, [1, 2, 3, 4, 5]);
    assert_eq!(read(2, 2).await, [3, 4]);
    assert!(read(5, 100).await.is_empty());
}

pub async fn texts_survive_whatever_they_hold(world: &World) {
    let texts = ["", "a\0b", "ğüşiöç İı", "🪝👩‍👩‍👧", "'; DROP TABLE messages; --", "\u{feff}\r\n\t\u{2028}"];
    let turn = start(world, |turn| {
        turn.messages = (1..)
            .zip(texts)
            .map(|(seq, text)| {
                let mut message = message(world, turn, seq, Sender::Contact);
                message.text = text.into();
                message.client_id = Some(format!("c\0{text}"));
                message.extra.insert(text.into(), text.into());
                message
            })
            .collect();
    })
    .await;
    assert_eq!(world.storage.messages(world.project, turn.conversation.id, 0, 100).await.unwrap(), turn.messages);
    let found = world.storage.message_by_client_id(turn.conversation.id, "c\0a\0b").await.unwrap();
    assert_eq!(found.as_ref(), Some(&turn.messages[1]));
}

pub async fn conversations_are_listed_newest_first_with_their_last_message(world: &World) {
    let silent = start(world, |_| ()).await;
    let lively = start(world, |turn| {
        turn.messages = vec![message(world, turn, 1, Sender::Contact), message(world, turn, 2, Sender::Bot)];
    })
    .await;
    let mut noted = next_turn(&lively);
    noted.messages = vec![message(world, &lively, 3, Sender::Agent), message(world, &lively, 4, Sender::Note)];
    world.storage.commit_turn(noted.clone()).await.unwrap();
    let page = listed(world, ConversationFilter::default(), 1).await;
    assert_eq!(page.len(), 2);
    assert_eq!(page[0].conversation, noted.conversation);
    assert_eq!(Some(&page[0].contact), lively.contact.as_ref());
    assert_eq!((page[0].last_message.as_ref(), page[0].message_count), (Some(&noted.messages[0]), 3));
    assert_eq!(page[1].conversation, silent.conversation);
    assert_eq!((page[1].last_message.as_ref(), page[1].message_count), (None, 0));
    let one = world.storage.conversation(world.project, noted.conversation.id).await.unwrap().unwrap();
    assert_eq!((one.last_message.as_ref(), one.message_count), (Some(&noted.messages[0]), 3));
}

pub async fn conversations_are_filtered_by_bot_and_end(world: &World) {
    let (bot, other) = (world.id(), world.id());
    let mut made = Vec::new();
    for n in 0..12 {
        let turn = start(world, |turn| {
            turn.conversation.bot_id = if n % 3 == 0 { bot } else { other };
            turn.conversation.ended = n % 2 == 0;
        })
        .await;
        made.insert(0, turn.conversation);
    }
    for bot_id in [None, Some(bot), Some(other), Some(world.id())] {
        for ended in [None, Some(true), Some(false)] {
            let fits = made.iter().filter(|conversation| {
                bot_id.is_none_or(|wanted| wanted == conversation.bot_id)
                    && ended.is_none_or(|wanted| wanted == conversation.ended)
            });
            let expected: Vec<ConversationId> = fits.map(|conversation| conversation.id).collect();
            let filter = ConversationFilter { bot_id, ended };
            let read = listed(world, filter, 2).await;
            assert_eq!(read.iter().map(|item| item.conversation.id).collect::<Vec<_>>(), expected, "{filter:?}");
        }
    }
}

pub async fn timers_are_due_earliest_first(world: &World) {
    let mut ids = Vec::new();
    for due in [30, 10, 20, 40] {
        let timer = Some(Timer { due: at(due), token: 1 });
        ids.push(start(world, |turn| turn.conversation.timer = timer).await.conversation.id);
    }
    start(world, |_| ()).await;
    let due = async |now, limit| world.storage.due_timers(at(now), limit).await.unwrap();
    assert_eq!(due(9, 10).await, (vec![], Some(at(10))));
    assert_eq!(due(30, 10).await, (vec![ids[1], ids[2], ids[0]], Some(at(40))));
    assert_eq!(due(30, 2).await, (vec![ids[1], ids[2]], Some(at(30))));
    assert_eq!(due(99, 10).await, (vec![ids[1], ids[2], ids[0], ids[3]], None));
}

pub async fn an_ended_conversation_has_no_timer(world: &World) {
    let timer = |due| Some(Timer { due: at(due), token: 1 });
    let moved = start(world, |turn| turn.conversation.timer = timer(10)).await;
    let ended = start(world, |turn| turn.conversation.timer = timer(10)).await;
    let mut later = next_turn(&moved);
    later.conversation.timer = timer(20);
    world.storage.commit_turn(later).await.unwrap();
    let mut over = next_turn(&ended);
    over.conversation.ended = true;
    world.storage.commit_turn(over).await.unwrap();
    assert_eq!(world.storage.due_timers(at(15), 10).await.unwrap(), (vec![], Some(at(20))));
}

pub async fn conversations_are_counted(world: &World) {
    for n in 0..6 {
        start(world, |turn| {
            turn.conversation.ended = n % 3 == 0;
            turn.conversation.created_at = at(n);
        })
        .await;
    }
    let counts = world.storage.conversation_counts(world.project, at(2)).await.unwrap();
    assert_eq!(counts, ConversationCounts { total: 6, open: 4, started_since: 4 });
}

pub async fn conversations_belong_to_their_project(world: &World) {
    let other = world.other_project().await;
    let turn = start(world, |turn| turn.messages = vec![message(world, turn, 1, Sender::Contact)]).await;
    let id = turn.conversation.id;
    assert!(world.storage.conversation(other, id).await.unwrap().is_none());
    assert!(world.storage.messages(other, id, 0, 10).await.unwrap().is_empty());
    assert_eq!(world.storage.conversation_counts(other, at(0)).await.unwrap(), ConversationCounts::default());
    let bot_id = Some(turn.conversation.bot_id);
    for filter in [ConversationFilter::default(), ConversationFilter { bot_id, ended: Some(false) }] {
        assert!(world.storage.conversations(other, filter, first(10)).await.unwrap().items.is_empty());
    }
    let mut foreign = next_turn(&turn);
    foreign.conversation.project_id = other;
    world.storage.commit_turn(foreign).await.unwrap_err();
    let stored = world.storage.conversation(world.project, id).await.unwrap().unwrap();
    assert_eq!(stored.conversation, turn.conversation);
}
