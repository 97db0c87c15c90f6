//! Use cases on real SQLite, with time, randomness and other people's services as parameters: days pass in milliseconds.

#![expect(clippy::unwrap_used, reason = "in a story a failed step is a failed test")]

mod conversations;
mod deliveries;
mod event_types;
mod handshake;
mod pace;
mod replays;
mod retention;
mod rotation;
mod support;
mod traces;
mod way;
