//! Events: what a type may be called, who subscribes to it, what `data` may hold and which keys an event may carry.
//!
//! An event is an immutable fact. Its `data` is kept as the text that came in, never as a parsed tree: key order and
//! number text must go out as they came in, and the hot path must not pay for parsing.

mod built_in;
mod data;
mod event_type;
mod explanations;
mod keys;
mod subscription;

pub use built_in::BuiltIn;
pub use data::{EventData, InvalidEventData, MAX_DEPTH};
pub use event_type::{EventType, InvalidEventType, MAX_TYPE_LENGTH};
pub use explanations::Because;
pub use keys::{IdempotencyKey, InvalidKey, MAX_KEY_LENGTH, OrderingKey};
pub use subscription::{InvalidPattern, MAX_PATTERNS, Subscription, TooManyPatterns, TypePattern};
