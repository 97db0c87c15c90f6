//! Kanca's use cases: ingest, deliver, retry, chat, capture.

pub mod ports;
