//! The state of one conversation: small, versioned, and all that `advance` needs besides the scenario.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Where a conversation stands. Made by [`State::default`] for a new conversation and stored as JSON after each input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The version of this shape; 1.
    pub version: u8,
    /// What the conversation waits for.
    pub wait: Wait,
    /// The block entered last; the canvas highlights it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    /// All attributes, `message` and `webhook.*` too.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// Whether the conversation has begun; a second [`Start`](super::Input::Start) is ignored.
    #[serde(default)]
    pub started: bool,
    /// Whether the conversation has ended; it then ignores every input.
    #[serde(default)]
    pub ended: bool,
    /// The number last given to a call or a timer; numbers are never used twice in a conversation.
    #[serde(default)]
    pub sequence: u64,
    /// Answers that the waiting question has refused.
    #[serde(default)]
    pub refused: u32,
    /// How often questions with variants were asked, so that the next wording can be chosen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asked: BTreeMap<String, u32>,
    /// Whether the next silence counts: set when the visitor writes, cleared when the timeout has fired.
    #[serde(default)]
    pub armed: bool,
    /// The silence timer that counts now; others are stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<u64>,
    /// The default path that the conversation is on, and where it returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detour: Option<Detour>,
}

/// What a conversation waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wait {
    /// Nothing in particular: idle until the visitor writes.
    #[default]
    Nothing,
    /// The visitor's answer to a block.
    Visitor {
        /// The block.
        block: String,
    },
    /// A webhook's answer.
    Webhook {
        /// The webhook block.
        block: String,
        /// The number of the call; other numbers are stale.
        call: u64,
    },
    /// A delay before a message.
    Timer {
        /// The text block.
        block: String,
        /// The timer; other numbers are stale.
        token: u64,
        /// Which message of the block comes next, from 0.
        message: usize,
    },
}

/// A default path leaves the conversation's place as it was, unless it meets a block that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detour {
    /// Which path.
    pub kind: DetourKind,
    /// The block that goes on waiting for the visitor when the path ends; `None` returns to idle.
    pub back: Option<String>,
}

/// Which default path a detour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetourKind {
    /// Default otherwise.
    Otherwise,
    /// Default timeout.
    Timeout,
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: 1,
            wait: Wait::Nothing,
            block: None,
            attributes: Map::new(),
            started: false,
            ended: false,
            sequence: 0,
            refused: 0,
            asked: BTreeMap::new(),
            armed: false,
            silence: None,
            detour: None,
        }
    }
}

impl State {
    /// Whether the bot is in the middle of something (a webhook's answer, a delay), so that the engine keeps the
    /// visitor's messages back until it is done.
    pub const fn is_busy(&self) -> bool {
        matches!(self.wait, Wait::Webhook { .. } | Wait::Timer { .. })
    }
}

impl Wait {
    /// `nothing`, `visitor`, `webhook` or `timer`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Visitor { .. } => "visitor",
            Self::Webhook { .. } => "webhook",
            Self::Timer { .. } => "timer",
        }
    }

    /// The block that waits.
    pub fn block(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::Visitor { block } | Self::Webhook { block, .. } | Self::Timer { block, .. } => Some(block),
        }
    }
}
