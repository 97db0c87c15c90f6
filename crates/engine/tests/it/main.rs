//! Use cases on real SQLite, with time, randomness and other people's services as parameters: days pass in milliseconds.

mod conversations;
mod deliveries;
mod support;
