//! What is wrong with a program, in words for the person who wrote it, with the place where that is known.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Characters of a message that are kept: a program can throw a book.
const KEPT: usize = 500;

/// The family of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The text is not a program of its language.
    Syntax,
    /// It threw, failed, or gave something that cannot be used.
    Failed,
    /// It ran longer or took more memory than it may.
    Exhausted,
    /// It was not run: no place was free in time, or it was exhausted a moment ago.
    NotRun,
}

/// A program that cannot be used, or a run that gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Fault {
    pub kind: FaultKind,
    /// One sentence, without the place.
    pub message: String,
    /// Counted from 1.
    pub line: Option<u32>,
    /// Counted from 1, in characters.
    pub column: Option<u32>,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, message: impl AsRef<str>) -> Self {
        let message = message.as_ref();
        let mut kept: String = message.chars().take(KEPT).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if kept.len() < message.len() {
            kept.push('…');
        }
        Self { kind, message: kept, line: None, column: None }
    }

    pub(crate) fn failed(message: impl AsRef<str>) -> Self {
        Self::new(FaultKind::Failed, message)
    }

    /// What a transformation gave cannot be sent.
    pub fn of_output(message: &str) -> Self {
        Self::failed(message)
    }

    pub(crate) fn ran_too_long() -> Self {
        Self::new(FaultKind::Exhausted, format!("ran longer than {} ms and was stopped", crate::RUN_MILLIS))
    }

    pub(crate) fn at(mut self, place: Option<(u32, u32)>) -> Self {
        (self.line, self.column) = (place.map(|p| p.0), place.map(|p| p.1));
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_with_its_place_and_keeps_one_line() {
        let fault = Fault::failed("a\r\nb").at(Some((3, 7)));
        assert_eq!(fault.to_string(), "line 3, column 7: a  b");
        assert_eq!(Fault::failed("ş".repeat(501)).message.chars().count(), 501);
    }
}
