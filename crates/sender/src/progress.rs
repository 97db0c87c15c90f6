//! How far an exchange has come, so that a deadline can say what was waited for.

use crate::failures::timeout;
use kanca_engine::ports::SendFailure;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// What an exchange waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    LookUp,
    Connect,
    Tls,
    Answer,
    Body,
}

const WORDS: [&str; 5] =
    ["the name look-up", "connecting", "the TLS handshake", "waiting for the response", "the response's body"];

/// The step that an exchange has reached; shared by reference within one task.
pub struct Progress(AtomicU8);

impl Progress {
    pub fn new() -> Self {
        Self(AtomicU8::new(Step::Connect as u8))
    }

    pub fn reach(&self, step: Step) {
        self.0.store(step as u8, Ordering::Relaxed);
    }

    /// The failure of an exchange that did not get past this step within `limit`.
    pub fn overdue(&self, limit: Duration) -> SendFailure {
        timeout(limit, WORDS[usize::from(self.0.load(Ordering::Relaxed))])
    }
}
