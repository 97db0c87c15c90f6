//! Reading what a service answers to a webhook block (design: “The webhook block”).
//!
//! An object with `messages`, `attributes` or `end` is an instruction to the bot, whatever its content type. Any other
//! JSON or XML is only looked into by the block's mappings; plain text is said. HTML is never said. What is said is
//! plain text: it is not a template and holds no control characters.

use super::attributes::check_name_and_size;
use super::blocks::Mapping;
use super::exchange::{WebhookOutcome, WebhookPort};
use super::limits::{TEXT_CHARS, VALUE_BYTES};
use super::path::Path;
use super::{text, xml};
use serde_json::{Map, Value};

/// Messages that one answer may hold.
const MESSAGES: usize = 10;
/// Attributes that one answer may set.
const ATTRIBUTES: usize = 100;

/// What a status means for a webhook that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 2xx.
    Success,
    /// 4xx except 408, 425 and 429: trying again would not help.
    ClientError,
    /// Anything else: try again while there is time; at the end it is a server error.
    Retry,
}

/// Says what a status means.
pub const fn classify(status: u16) -> Class {
    match status {
        200..=299 => Class::Success,
        408 | 425 | 429 => Class::Retry,
        400..=499 => Class::ClientError,
        _ => Class::Retry,
    }
}

/// Reads an answer. `mappings` are those of the block. Never fails: what cannot be read becomes the port
/// `server_error` with a reason, what is left out becomes a note.
///
/// The body of an answer other than 2xx is kept for `webhook.body`, and neither said nor mapped.
pub fn parse(status: u16, content_type: Option<&str>, body: &[u8], mappings: &[Mapping]) -> WebhookOutcome {
    let port = match classify(status) {
        Class::Success => WebhookPort::Success,
        Class::ClientError => WebhookPort::ClientError,
        Class::Retry => WebhookPort::ServerError,
    };
    let content = decode(body, content_type);
    let content = content.strip_prefix('\u{feff}').unwrap_or(&content).trim();
    let mut outcome = WebhookOutcome { status: Some(status), body: kept(content), ..WebhookOutcome::bare(port) };
    if port == WebhookPort::Success {
        read(&mut outcome, Label::of(content_type), content, mappings);
    } else {
        outcome.error = Some(format!("the service answered with status {status}"));
    }
    outcome
}

/// What a content type promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    Json,
    Xml,
    Html,
    Text,
    Other,
}

impl Label {
    fn of(content_type: Option<&str>) -> Self {
        let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "text/html" | "application/xhtml+xml" => Self::Html,
            "application/json" | "text/json" | "application/x-json" => Self::Json,
            "application/xml" | "text/xml" => Self::Xml,
            "text/plain" => Self::Text,
            other if other.ends_with("+json") => Self::Json,
            other if other.ends_with("+xml") => Self::Xml,
            _ => Self::Other,
        }
    }
}

fn read(outcome: &mut WebhookOutcome, label: Label, content: &str, mappings: &[Mapping]) {
    if content.is_empty() {
        return;
    }
    let json = serde_json::from_str::<Value>(content);
    if let Ok(Value::Object(fields)) = &json
        && ["messages", "attributes", "end"].iter().any(|name| fields.contains_key(*name))
    {
        instruct(outcome, fields);
        map(outcome, mappings, &Value::Object(fields.clone()), false);
        return;
    }
    match (label, json) {
        (Label::Json, Err(error)) => unreadable(outcome, format!("the answer is labelled JSON but is not: {error}")),
        // A bare number or word is JSON too; labelled as text it is said.
        (Label::Text, Ok(json)) if json.is_object() || json.is_array() => {
            if mappings.is_empty() {
                say(outcome, content);
            } else {
                map(outcome, mappings, &json, false);
            }
        }
        (Label::Text, _) => say(outcome, content),
        (_, Ok(json)) => map(outcome, mappings, &json, false),
        (Label::Xml, Err(_)) => match xml::read(content) {
            Ok(xml) => map(outcome, mappings, &xml, true),
            Err(reason) => unreadable(outcome, format!("the answer is labelled XML but cannot be read: {reason}")),
        },
        (Label::Other, Err(_)) if content.starts_with('<') => {
            if let Ok(xml) = xml::read(content) {
                map(outcome, mappings, &xml, true);
            }
        }
        (Label::Html | Label::Other, Err(_)) => {
            if !mappings.is_empty() {
                outcome.notes.push("The answer is neither JSON nor XML, so no value was taken from it.".to_owned());
            }
        }
    }
}

fn unreadable(outcome: &mut WebhookOutcome, reason: String) {
    outcome.port = WebhookPort::ServerError;
    outcome.error = Some(reason);
}

/// Takes `messages`, `attributes` and `end`.
fn instruct(outcome: &mut WebhookOutcome, fields: &Map<String, Value>) {
    match fields.get("messages") {
        None | Some(Value::Null) => {}
        Some(Value::Array(messages)) => messages.iter().for_each(|message| take_message(outcome, message)),
        Some(_) => outcome.notes.push("`messages` of the answer is not a list and was left out.".to_owned()),
    }
    match fields.get("attributes") {
        None | Some(Value::Null) => {}
        Some(Value::Object(attributes)) => {
            attributes.iter().for_each(|(name, value)| take_attribute(outcome, name, value.clone()));
        }
        Some(_) => outcome.notes.push("`attributes` of the answer is not an object and was left out.".to_owned()),
    }
    match fields.get("end") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(end)) => outcome.end = *end,
        Some(_) => outcome.notes.push("`end` of the answer is neither true nor false and was left out.".to_owned()),
    }
}

fn take_message(outcome: &mut WebhookOutcome, message: &Value) {
    let kind = message.get("type").and_then(Value::as_str);
    match (kind, message.get("text").and_then(Value::as_str)) {
        (Some("text"), Some(text)) => say(outcome, text),
        (Some("text"), None) => {
            outcome.notes.push("A message of the answer has no `text` and was left out.".to_owned());
        }
        (Some(other), _) => {
            let shown: String = other.chars().take(40).collect();
            outcome.notes.push(format!("A message of the type “{shown}” was left out; only “text” is said."));
        }
        (None, _) => outcome
            .notes
            .push("A message of the answer was left out; write it as {\"type\":\"text\",\"text\":\"…\"}.".to_owned()),
    }
}

fn say(outcome: &mut WebhookOutcome, said: &str) {
    let said = text::plain(said);
    if said.trim().is_empty() {
        return;
    }
    if outcome.messages.len() == MESSAGES {
        let note = format!("The answer holds more than {MESSAGES} messages; the others were left out.");
        if !outcome.notes.contains(&note) {
            outcome.notes.push(note);
        }
        return;
    }
    if said.chars().nth(TEXT_CHARS).is_some() {
        outcome.notes.push(format!("A message of the answer was cut to {TEXT_CHARS} characters."));
    }
    outcome.messages.push(text::cut(said, TEXT_CHARS));
}

fn take_attribute(outcome: &mut WebhookOutcome, name: &str, value: Value) {
    if outcome.attributes.len() >= ATTRIBUTES && !outcome.attributes.contains_key(name) {
        return outcome
            .notes
            .push(format!("The answer sets more than {ATTRIBUTES} attributes; the others were left out."));
    }
    match check_name_and_size(name, &value) {
        Ok(()) => {
            outcome.attributes.insert(name.to_owned(), value);
        }
        Err(reason) => outcome.notes.push(format!("An attribute of the answer was left out: {reason}.")),
    }
}

fn map(outcome: &mut WebhookOutcome, mappings: &[Mapping], root: &Value, xml: bool) {
    for mapping in mappings {
        match Path::parse(&mapping.path).and_then(|path| path.find(root, xml).cloned()) {
            Some(value) => take_attribute(outcome, &mapping.attribute, value),
            None => outcome.notes.push(format!("The answer has nothing at {}.", mapping.path)),
        }
    }
}

/// The text to keep for `webhook.body`.
fn kept(content: &str) -> String {
    let mut kept = text::plain(content);
    let mut end = kept.len().min(VALUE_BYTES);
    while !kept.is_char_boundary(end) {
        end -= 1;
    }
    kept.truncate(end);
    kept
}

/// Text in the charset that the content type names: UTF-8 unless it is one of the Latin ones of older Turkish services.
fn decode(body: &[u8], content_type: Option<&str>) -> String {
    let parameters = content_type.unwrap_or_default().to_ascii_lowercase();
    let charset = parameters.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("charset="));
    let turkish = match charset.map(|charset| charset.trim_matches('"')) {
        Some("iso-8859-9" | "latin5" | "windows-1254" | "cp1254") => true,
        Some("iso-8859-1" | "latin1" | "windows-1252") => false,
        _ => return String::from_utf8_lossy(body).into_owned(),
    };
    body.iter()
        .map(|byte| match byte {
            0xd0 if turkish => 'Ğ',
            0xdd if turkish => 'İ',
            0xde if turkish => 'Ş',
            0xf0 if turkish => 'ğ',
            0xfd if turkish => 'ı',
            0xfe if turkish => 'ş',
            other => char::from(*other),
        })
        .collect()
}

#[cfg(test)]
mod tests;
