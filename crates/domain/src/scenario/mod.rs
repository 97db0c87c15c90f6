//! The scenario: a bot's flow as a graph of blocks, and the pure function that runs it.
//!
//! A [`Document`] is what the canvas edits and what export files hold. [`compile`] turns it into a [`Scenario`], the
//! indexed form that [`advance`] runs. `advance` takes the conversation's [`State`] and one [`Input`] and gives the
//! next state and the [`Effect`]s to carry out, in order. It knows no clock, no socket and no storage, so the test
//! drawer, the visitors' chats and the transcripts under `tests/transcripts` all run the very same code.

mod advance;
pub mod answer;
mod answers;
mod attributes;
mod blocks;
mod compiled;
mod condition;
mod demo;
mod document;
mod exchange;
mod keywords;
pub mod limits;
pub mod names;
pub mod path;
mod ports;
mod problem;
mod reading;
mod schema;
mod state;
mod template;
pub mod text;
mod validate;
mod xml;

pub use advance::{BLOCKS_PER_INPUT, advance};
pub use blocks::{
    Assignment, Block, BlockKind, Branch, Buttons, Check, Choice, Condition, DefaultTimeout, End, GoTo, Group, Mapping,
    Match, Operator, Position, Question, QuickReplies, Rule, SetAttribute, Subject, TextBlock, TextMessage, UserInput,
    Validation, Webhook, WebhookMode,
};
pub use compiled::{Scenario, compile};
pub use demo::{Language, blank, demo};
pub use document::{AttributeDeclaration, Document, DocumentError, Edge, SCHEMA};
pub use exchange::{ChoiceRef, ChoiceStyle, Effect, Input, OfferedChoice, TimerKind, WebhookOutcome, WebhookPort};
pub use problem::{Code, Problem, Severity};
pub use schema::schema;
pub use state::{Detour, DetourKind, State, Wait};
pub use validate::validate;
