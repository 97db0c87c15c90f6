//! The thirteen kinds of block and their fields, exactly as they stand in the document.
//!
//! A block is one flat JSON object: `id`, `type`, `title` and `position` are common, the rest belongs to the type.
//! `reading` says how one is read.

use crate::ids::EndpointId;
use serde::{Deserialize, Serialize, Serializer};

/// A node of the graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Block {
    /// `[A-Za-z0-9_-]{1,64}`, unique in the document.
    pub id: String,
    /// The name that the owner gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where it stands on the canvas.
    pub position: Position,
    /// What it does.
    #[serde(flatten)]
    pub kind: BlockKind,
}

/// A place on the canvas, in canvas units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Grows to the right.
    #[serde(serialize_with = "plain_number")]
    pub x: f64,
    /// Grows downwards.
    #[serde(serialize_with = "plain_number")]
    pub y: f64,
}

/// What a block does, with the fields of its type.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BlockKind {
    /// Where a conversation begins. Port `next`.
    Start {},
    /// Says one or more messages. Port `next`.
    Text(TextBlock),
    /// Asks and checks the answer. Ports `answered`, `failed`.
    Question(Question),
    /// Offers choices that stay clickable. Ports `choice:ID`, `other`.
    Buttons(Buttons),
    /// Offers choices that disappear after the next message. Ports `choice:ID`, `other`.
    QuickReplies(QuickReplies),
    /// Branches on attributes and the last message. Ports `true`, `false`.
    Condition(Condition),
    /// Sets attributes. Port `next`.
    SetAttribute(SetAttribute),
    /// Waits for keywords or phrases. Ports `branch:ID`, `other`.
    UserInput(UserInput),
    /// Calls a webhook. Ports `next`, or `success`, `client_error`, `server_error`, `timeout`.
    Webhook(Webhook),
    /// Continues at another block. No port.
    GoTo(GoTo),
    /// Where a message that nothing understood continues. Port `next`.
    DefaultOtherwise {},
    /// Where a silent conversation continues. Port `next`.
    DefaultTimeout(DefaultTimeout),
    /// Ends the conversation. No port.
    End(End),
}

/// Fields of a `text` block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextBlock {
    /// Said one after another.
    pub messages: Vec<TextMessage>,
}

/// One message of a `text` block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextMessage {
    /// A template.
    pub text: String,
    /// Milliseconds to wait before this message, 0–60000.
    #[serde(default)]
    pub delay_ms: u32,
}

/// Fields of a `question` block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question, a template.
    pub text: String,
    /// Other wordings, asked in turn when the question is asked again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
    /// Which answers are accepted.
    #[serde(default)]
    pub validate: Check,
    /// The attribute that keeps the answer.
    #[serde(default)]
    pub attribute: Option<String>,
    /// Said after an answer that is not accepted; without it the question is asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_text: Option<String>,
    /// Answers in all before `failed`, 1–20; `None` asks for ever.
    #[serde(default)]
    pub attempts: Option<u32>,
}

/// Which answers a question accepts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What the answer has to be.
    pub kind: Validation,
    /// Least value of a number, least length of a text.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "optional_number")]
    pub min: Option<f64>,
    /// Greatest value of a number, greatest length of a text.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "optional_number")]
    pub max: Option<f64>,
    /// The accepted answers of kind `choice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// The kinds of answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    #[default]
    Any,
    Text,
    Number,
    Email,
    Phone,
    Choice,
}

/// Fields of a `buttons` block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buttons {
    /// Said above the buttons, a template.
    pub text: String,
    /// The buttons.
    pub choices: Vec<Choice>,
}

/// Fields of a `quick_replies` block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuickReplies {
    /// Said above the choices, a template.
    pub text: String,
    /// The choices; a `url` is not allowed here.
    pub choices: Vec<Choice>,
    /// The attribute that keeps the chosen label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
}

/// A button or quick reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// `[A-Za-z0-9_-]{1,64}`, unique in its block; names the port `choice:ID`.
    pub id: String,
    /// What the visitor reads and may type.
    pub label: String,
    /// A button that opens an address (http or https) has no port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Fields of a `condition` block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// How the groups are joined.
    pub r#match: Match,
    /// The groups of rules.
    pub groups: Vec<Group>,
}

/// All must hold, or one is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    All,
    Any,
}

/// A group of rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// How the rules are joined.
    pub r#match: Match,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The left side.
    pub subject: Subject,
    /// The comparison.
    pub operator: Operator,
    /// The right side, a template; absent counts as empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    /// An attribute.
    Attribute {
        /// Its name.
        name: String,
    },
    /// The visitor's last message.
    Message {},
}

/// The fourteen comparisons; `condition` says how each compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    Equals,
    NotEquals,
    Contains,
    NotContains,
    StartsWith,
    EndsWith,
    IsEmpty,
    IsNotEmpty,
    LongerThan,
    ShorterThan,
    LessThan,
    LessOrEqual,
    GreaterThan,
    GreaterOrEqual,
}

/// Fields of a `set_attribute` block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetAttribute {
    /// Carried out in order; a later one sees the earlier ones.
    pub assignments: Vec<Assignment>,
}

/// One attribute and its new value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The attribute's name.
    pub attribute: String,
    /// A template; one that is only `{{name}}` copies the value with its JSON type.
    pub value: String,
}

/// Fields of a `user_input` block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserInput {
    /// Tried in order.
    pub branches: Vec<Branch>,
    /// Also tried when the visitor writes something that the waiting block does not understand.
    #[serde(default)]
    pub anywhere: bool,
}

/// One way out of a `user_input` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// `[A-Za-z0-9_-]{1,64}`, unique in its block; names the port `branch:ID`.
    pub id: String,
    /// The name that the owner gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Words that may stand anywhere in the message.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Whole sentences.
    #[serde(default)]
    pub phrases: Vec<String>,
}

/// Fields of a `webhook` block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The endpoint (in the panel: webhook) that is called.
    #[serde(default)]
    pub endpoint_id: Option<EndpointId>,
    /// Whether the conversation waits for the answer.
    pub mode: WebhookMode,
    /// Milliseconds to wait for the answer, 1000–60000.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u32,
    /// Which values of the answer go to which attributes.
    #[serde(default)]
    pub mappings: Vec<Mapping>,
}

/// Whether a webhook block waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookMode {
    /// Goes on at once.
    Notify,
    /// Waits for the answer and branches on it.
    Wait,
}

/// A value of the answer that goes to an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Such as `$.order.items[0].name`.
    pub path: String,
    /// The attribute's name.
    pub attribute: String,
}

/// Fields of a `go_to` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoTo {
    /// The block where the conversation continues.
    #[serde(default)]
    pub target: Option<String>,
}

/// Fields of a `default_timeout` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultTimeout {
    /// Milliseconds of silence, 1000–86400000.
    pub after_ms: u32,
}

/// Fields of an `end` block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Said before the conversation ends, a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

const fn default_timeout_ms() -> u32 {
    10_000
}

/// Whole numbers are written without a fraction, as they came in.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn plain_number<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers below 2^53 are converted")]
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn optional_number<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => plain_number(number, serializer),
        None => serializer.serialize_none(),
    }
}
