//! What the panel, subscribers and the clock make of conversations.

mod events;
mod listing;
mod live;
mod timers;
