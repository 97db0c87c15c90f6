//! What goes into `advance` and what comes out of it.

use super::blocks::WebhookMode;
use crate::ids::EndpointId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that happened to a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Input {
    /// The conversation begins.
    Start {
        /// What is known of the visitor; overrides the declared defaults.
        #[serde(default)]
        attributes: Map<String, Value>,
    },
    /// The visitor wrote or clicked. Not to be given while [`State::is_busy`](super::State::is_busy).
    Message {
        /// What was written; the label for a click.
        text: String,
        /// What was clicked.
        #[serde(default)]
        choice: Option<ChoiceRef>,
    },
    /// A webhook answered, or will not.
    Answer {
        /// The number of the call; a stale one is ignored.
        call: u64,
        /// What came of it.
        outcome: WebhookOutcome,
    },
    /// A timer ran out.
    Timer {
        /// Which; a stale one is ignored.
        token: u64,
    },
    /// Attributes became known from outside, such as by the page that shows the widget.
    SetAttributes {
        /// Invalid, read-only and oversized ones are left out.
        attributes: Map<String, Value>,
    },
}

/// A clicked choice, `BLOCK/CHOICE` in the chat API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceRef {
    /// The block that offered it.
    pub block: String,
    /// The choice's id.
    pub choice: String,
}

impl ChoiceRef {
    /// Reads `BLOCK/CHOICE`; `None` if it is not of that form.
    pub fn parse(text: &str) -> Option<Self> {
        let (block, choice) = text.split_once('/')?;
        let valid = super::names::is_id(block) && super::names::is_id(choice);
        valid.then(|| Self { block: block.to_owned(), choice: choice.to_owned() })
    }
}

/// What came of a webhook call, made by [`answer::parse`](super::answer::parse) or by a constructor below.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookOutcome {
    /// The port to leave by.
    pub port: WebhookPort,
    /// The HTTP status, if there was an answer; becomes `webhook.status`.
    #[serde(default)]
    pub status: Option<u16>,
    /// The answer's text, at most 8 KiB; becomes `webhook.body`.
    #[serde(default)]
    pub body: String,
    /// Why the call failed, in words; becomes `webhook.error`.
    #[serde(default)]
    pub error: Option<String>,
    /// Plain texts for the bot to say before the port is followed.
    #[serde(default)]
    pub messages: Vec<String>,
    /// Attributes to set.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// Whether the conversation ends after the messages.
    #[serde(default)]
    pub end: bool,
    /// What of the answer was left out and why, for the panel.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The port by which a webhook block in wait mode is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookPort {
    /// 2xx.
    Success,
    /// 4xx except 408, 425 and 429.
    ClientError,
    /// Another status, a refused connection, TLS, DNS, or an answer that cannot be read.
    ServerError,
    /// No answer in time.
    Timeout,
}

impl WebhookPort {
    /// The port's name in the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
        }
    }
}

impl WebhookOutcome {
    /// An outcome with nothing but a port.
    pub fn bare(port: WebhookPort) -> Self {
        Self {
            port,
            status: None,
            body: String::new(),
            error: None,
            messages: Vec::new(),
            attributes: Map::new(),
            end: false,
            notes: Vec::new(),
        }
    }

    /// No answer came in time. `reason` is a sentence for the panel and for `webhook.error`.
    pub fn timeout(reason: impl Into<String>) -> Self {
        Self { error: Some(reason.into()), ..Self::bare(WebhookPort::Timeout) }
    }

    /// No answer could be had (refused connection, TLS, DNS). `reason` is a sentence as above.
    pub fn server_error(reason: impl Into<String>) -> Self {
        Self { error: Some(reason.into()), ..Self::bare(WebhookPort::ServerError) }
    }
}

/// Something for the engine to carry out, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// A block was entered; the canvas highlights it.
    Enter {
        /// The block.
        block: String,
    },
    /// The bot says a plain text of at most 4,000 characters.
    Say {
        /// The block that says it.
        block: String,
        /// Never empty.
        text: String,
    },
    /// The bot asks and may offer choices.
    Ask {
        /// The block that waits for the answer.
        block: String,
        /// May be empty if there are choices.
        text: String,
        /// Empty for an open question.
        choices: Vec<OfferedChoice>,
        /// How the choices behave.
        style: ChoiceStyle,
    },
    /// A webhook is called.
    Call {
        /// The webhook block.
        block: String,
        /// The number to give back with [`Input::Answer`] in wait mode.
        call: u64,
        /// The endpoint to call.
        endpoint: EndpointId,
        /// Whether the conversation waits for the answer.
        mode: WebhookMode,
        /// Milliseconds to wait for the answer.
        timeout_ms: u32,
        /// All attributes as they are now, `message` and `webhook.*` too.
        data: Map<String, Value>,
    },
    /// A timer begins. A newer one of the same kind replaces it.
    StartTimer {
        /// The number to give back with [`Input::Timer`].
        token: u64,
        /// Milliseconds.
        after_ms: u32,
        /// What it is for.
        kind: TimerKind,
    },
    /// A user input block recognised the message (event `conversation.keyword`).
    Keyword {
        /// The user input block.
        block: String,
        /// The branch.
        branch: String,
        /// The keyword or phrase as the owner wrote it.
        keyword: String,
    },
    /// The visitor has been silent (event `conversation.idle`).
    Idle {
        /// The default timeout block.
        block: String,
    },
    /// Attributes changed (event `contact.updated`).
    Assigned {
        /// Their names, without `message` and `webhook.*`.
        names: Vec<String>,
    },
    /// Nothing understood the visitor's message.
    Unanswered {
        /// The message.
        text: String,
    },
    /// Something went wrong that the owner should see; a note in the panel.
    Error {
        /// A stable name such as `too_many_blocks`.
        code: String,
        /// An English sentence.
        message: String,
        /// Where.
        block: Option<String>,
    },
    /// The conversation has ended.
    End,
}

/// A choice as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedChoice {
    /// The id to send back.
    pub id: String,
    /// What the visitor reads.
    pub label: String,
    /// The address it opens instead of answering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How choices behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceStyle {
    /// Stay clickable.
    Buttons,
    /// Disappear after the next message.
    QuickReplies,
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// A pause before a message.
    Delay,
    /// The visitor's silence.
    Silence,
}
