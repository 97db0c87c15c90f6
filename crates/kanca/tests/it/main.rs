//! Black-box tests: the real binary, real sockets, a real disk. Each test starts its own server in a fresh directory and
//! tells a story through `support`.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on ends where it is")]
#![expect(clippy::needless_pass_by_value, reason = "stories write JSON in place, as an argument")]
#![expect(clippy::similar_names, reason = "a receiver and what it received are the stories' own words")]

mod accounts;
mod bad_input;
mod bench;
mod capture;
mod chat;
mod contacts;
mod conversations;
mod deliveries;
mod disk_full;
mod durability;
mod event_types;
mod guard;
mod replays;
mod scenarios;
mod support;
mod traces;
mod webhook_blocks;
