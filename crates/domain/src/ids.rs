//! Typed ids: a prefix that names the thing, then the 32 lower-case hex digits of a `UUIDv7` (RFC 9562 §5.7).
//!
//! Ids sort by the time they were made, so "newest first" needs no second index. The millisecond and the random
//! part are parameters; `engine` owns the source that keeps ids strictly increasing within one process.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{given}” is not an id of this kind; it should look like {prefix}_ followed by 32 hex digits")]
pub struct InvalidId {
    /// The prefix that was expected, without the underscore.
    pub prefix: &'static str,
    /// What was given, cut to 80 characters.
    pub given: String,
}

/// What all ids have in common; implemented by the types of this module only.
pub trait Id: Copy + Eq + Ord + std::hash::Hash + fmt::Display + fmt::Debug + FromStr<Err = InvalidId> {
    /// The prefix without the underscore, such as `evt`.
    const PREFIX: &'static str;
    /// Wraps a UUID that is known to belong to this kind, such as one read from a table.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The UUID without the prefix.
    fn uuid(self) -> Uuid;
    /// A new id from milliseconds since the Unix epoch and ten random bytes.
    fn new(unix_millis: u64, random: &[u8; 10]) -> Self {
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(unix_millis, random).into_uuid())
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_body(text, concat!($prefix, "_"))
                    .map(Self)
                    .ok_or_else(|| InvalidId { prefix: $prefix, given: text.chars().take(80).collect() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A project, the tenant.
    ProjectId = "prj";
    /// An event.
    EventId = "evt";
    /// An endpoint (in the panel: webhook).
    EndpointId = "ep";
    /// A delivery.
    DeliveryId = "dlv";
    /// Deliveries being sent again, or made later, in the background.
    ReplayId = "rpl";
    /// An attempt.
    AttemptId = "att";
    /// An inbox.
    InboxId = "inb";
    /// A captured request.
    RequestId = "req";
    /// A bot.
    BotId = "bot";
    /// A scenario.
    ScenarioId = "scn";
    /// A published (or test) version of a scenario.
    VersionId = "ver";
    /// A conversation.
    ConversationId = "cnv";
    /// A message.
    MessageId = "msg";
    /// A contact.
    ContactId = "cnt";
    /// A user of the panel.
    UserId = "usr";
    /// An API key's record (not the key itself).
    ApiKeyId = "key";
    /// A panel session's record.
    SessionId = "ses";
}

/// Exactly 32 lower-case hex digits after the prefix: one spelling for each id, so that two texts are the same id
/// only if they are the same text.
fn parse_body(text: &str, prefix: &str) -> Option<Uuid> {
    let body = text.strip_prefix(prefix)?;
    let exact = body.len() == 32 && body.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if exact { Uuid::try_parse(body).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_sorts_by_time() {
        let early = EventId::new(1_000, &[255; 10]);
        let late = EventId::new(1_001, &[0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(serde_json::to_string(&late).unwrap(), format!("\"{late}\""));
    }

    #[test]
    fn other_spellings_are_refused() {
        let id = EventId::new(1_000, &[7; 10]).to_string();
        for wrong in [id.to_uppercase(), id.replace("evt", "ep"), id[..35].into(), format!("{id}0"), String::new()] {
            assert!(wrong.parse::<EventId>().is_err(), "{wrong}");
        }
    }
}
