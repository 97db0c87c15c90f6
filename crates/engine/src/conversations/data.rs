//! The `data` of conversation events: a documented shape, the same for every type.

use super::store::Loaded;
use kanca_domain::scenario::names;
use kanca_storage::conversations::{MessageRecord, Sender};
use serde_json::{Map, Value, json};

/// What every event of a conversation says: where it is, and who the contact is.
pub(super) fn base(loaded: &Loaded) -> Map<String, Value> {
    let record = &loaded.record;
    let mut data = Map::new();
    data.insert("bot_id".into(), json!(record.bot_id));
    data.insert("scenario_id".into(), json!(record.scenario_id));
    data.insert("version_id".into(), json!(record.version_id));
    data.insert("conversation_id".into(), json!(record.id));
    if record.test {
        data.insert("test".into(), json!(true));
    }
    data.insert("contact".into(), json!({"id": loaded.contact.id, "attributes": loaded.contact.attributes}));
    data
}

/// A message as events show it.
pub(super) fn message(message: &MessageRecord) -> Value {
    let mut shown = json!({
        "id": message.id,
        "seq": message.seq,
        "from": sender(message.from),
        "type": kind(message),
        "text": message.text,
    });
    if let (Some(shown), Some(choices)) = (shown.as_object_mut(), message.extra.get("choices")) {
        shown.insert("choices".into(), choices.clone());
    }
    shown
}

/// The word for who said something.
pub(super) fn sender(from: Sender) -> &'static str {
    match from {
        Sender::Contact => "contact",
        Sender::Bot => "bot",
        Sender::Agent => "agent",
        Sender::Note => "note",
    }
}

fn kind(message: &MessageRecord) -> &'static str {
    if message.extra.contains_key("choices") { "choices" } else { "text" }
}

/// Splits what `advance` knows into the contact's attributes and the last webhook answer (`null` before the first).
pub(super) fn attributes_and_answer(all: &Map<String, Value>) -> (Map<String, Value>, Value) {
    let attributes = all.iter().filter(|(name, _)| !names::is_read_only(name));
    let attributes = attributes.map(|(k, v)| (k.clone(), v.clone())).collect();
    let part = |name: &str| all.get(name).cloned().unwrap_or(Value::Null);
    let answer = if all.contains_key("webhook.status") || all.contains_key("webhook.error") {
        json!({"status": part("webhook.status"), "body": part("webhook.body"), "error": part("webhook.error")})
    } else {
        Value::Null
    };
    (attributes, answer)
}
