//! A turn: everything that one input of a conversation leads to, in one transaction.

use crate::claims::ClaimGuard;
use crate::faults::{Fault, Run};
use crate::jobs::Tx;
use crate::rows::{Code, from_json, int, json, key, micros, opt_micros};
use crate::{SqliteStorage, events, outcomes};
use kanca_domain::ids::Id;
use kanca_storage::conversations::{ContactRecord, ConversationRecord, MessageRecord, Sender, Turn, TurnStored};
use kanca_storage::{Result, StorageError};
use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value};

const PASSED_BY: StorageError = StorageError::Conflict("the conversation has moved on");

/// A turn with its JSON made by the caller's thread.
struct Prepared {
    conversation: ConversationRecord,
    contact: Option<(ContactRecord, String)>,
    messages: Vec<(MessageRecord, Option<String>)>,
    events: Vec<events::Prepared>,
    outcome: Option<outcomes::Prepared>,
}

impl Prepared {
    fn new(turn: Turn) -> Result<Self> {
        let message = |message: MessageRecord| {
            let extra = if message.extra.is_empty() { None } else { Some(json(&message.extra)?) };
            Ok((message, extra))
        };
        let contact = |contact: ContactRecord| json(&contact.attributes).map(|attributes| (contact, attributes));
        Ok(Self {
            conversation: turn.conversation,
            contact: turn.contact.map(contact).transpose()?,
            messages: turn.messages.into_iter().map(message).collect::<Result<_>>()?,
            events: turn.events.into_iter().map(events::Prepared::new).collect::<Result<_>>()?,
            outcome: turn.outcome.as_ref().map(outcomes::Prepared::new).transpose()?,
        })
    }
}

impl SqliteStorage {
    pub(crate) async fn store_turn(&self, turn: Turn) -> Result<TurnStored> {
        let turn = Prepared::new(turn)?;
        let to_claim = turn.events.iter().flat_map(events::Prepared::to_claim).collect();
        let guard = ClaimGuard::new(&self.writer, to_claim);
        let stored = self.writer.call(move |tx| store(tx, &turn)).await;
        guard.keep();
        stored
    }
}

fn store(tx: &mut Tx<'_>, turn: &Prepared) -> Run<TurnStored> {
    let said = turn.messages.iter().filter(|(message, _)| message.from != Sender::Note).count() as u64;
    conversation(tx, &turn.conversation, said)?;
    if let Some((record, attributes)) = &turn.contact {
        contact(tx, record, attributes)?;
    }
    for (record, extra) in &turn.messages {
        message(tx, record, extra.as_deref())?;
    }
    let outcome = turn.outcome.as_ref().map(|outcome| outcomes::record(tx, &outcome.bytes)).transpose()?;
    let events = turn.events.iter().map(|event| events::accept(tx, event)).collect::<Run<_>>()?;
    Ok(TurnStored { events, outcome })
}

/// Replaces the conversation where its revision is one less, or inserts it.
fn conversation(tx: &mut Tx<'_>, record: &ConversationRecord, said: u64) -> Run<()> {
    let params = params![
        key(record.id),
        key(record.project_id),
        key(record.bot_id),
        key(record.scenario_id),
        key(record.version_id),
        key(record.contact_id),
        record.token_hash,
        record.ended,
        record.test,
        int(record.revision),
        int(record.last_seq),
        int(record.processed_seq),
        int(said),
        opt_micros(record.timer.map(|timer| timer.due)),
        record.timer.map(|timer| int(timer.token)),
        record.block_id,
        micros(record.created_at),
        micros(record.updated_at),
        record.state
    ];
    let replaced = tx.execute(
        "UPDATE conversations SET bot_id = ?3, scenario_id = ?4, version_id = ?5, contact_id = ?6, token_hash = ?7, \
         ended = ?8, test = ?9, revision = ?10, last_seq = ?11, processed_seq = ?12, \
         message_count = message_count + ?13, timer_due = ?14, timer_token = ?15, block_id = ?16, created_at = ?17, \
         updated_at = ?18, state = ?19 WHERE id = ?1 AND project_id = ?2 AND revision = ?10 - 1",
        params,
    )?;
    if replaced == 1 {
        return Ok(());
    }
    if record.revision > 1 {
        return Err(PASSED_BY.into());
    }
    tx.memory.note_id(record.id.uuid());
    tx.prepare(
        "INSERT INTO conversations (id, project_id, bot_id, scenario_id, version_id, contact_id, token_hash, ended, \
         test, revision, last_seq, processed_seq, message_count, timer_due, timer_token, block_id, created_at, \
         updated_at, state) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
    )?
    .execute(params)
    .map_err(|error| Fault::or_conflict(error, "the conversation has moved on"))?;
    Ok(())
}

/// Inserts the contact, or merges the attributes into the stored ones.
fn contact(tx: &mut Tx<'_>, record: &ContactRecord, attributes: &str) -> Run<()> {
    let stored = tx
        .prepare("SELECT attributes FROM contacts WHERE id = ?1 AND project_id = ?2 AND bot_id = ?3")?
        .query_row(params![key(record.id), key(record.project_id), key(record.bot_id)], |row| {
            from_json::<Map<String, Value>>(row, "attributes")
        })
        .optional()?;
    if let Some(mut merged) = stored {
        merged.extend(record.attributes.clone());
        tx.execute(
            "UPDATE contacts SET updated_at = ?2, attributes = ?3 WHERE id = ?1",
            params![key(record.id), micros(record.updated_at), json(&merged)?],
        )?;
        return Ok(());
    }
    tx.memory.note_id(record.id.uuid());
    tx.prepare(
        "INSERT INTO contacts (id, project_id, bot_id, external_id, created_at, updated_at, attributes) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        key(record.id),
        key(record.project_id),
        key(record.bot_id),
        record.external_id,
        micros(record.created_at),
        micros(record.updated_at),
        attributes
    ])
    .map_err(|error| Fault::or_conflict(error, "another contact has this id or external id"))?;
    Ok(())
}

fn message(tx: &mut Tx<'_>, record: &MessageRecord, extra: Option<&str>) -> Run<()> {
    tx.memory.note_id(record.id.uuid());
    tx.prepare(
        "INSERT INTO messages (id, conversation_id, seq, sender, block_id, client_id, created_at, extra, text) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        key(record.id),
        key(record.conversation_id),
        int(record.seq),
        record.from.code(),
        record.block_id,
        record.client_id,
        micros(record.created_at),
        extra,
        record.text
    ])
    .map_err(|error| Fault::or_conflict(error, "a message with this number or client id is stored already"))?;
    Ok(())
}
