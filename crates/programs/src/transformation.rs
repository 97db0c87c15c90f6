//! Transformations: one JavaScript function `transform(event)` that says what is sent instead of the event.
//!
//! Each run has a runtime and a context of its own, so nothing that one run leaves behind is seen by another. There is
//! nothing to do input or output with: no modules, timers, files or network. The clock and `Math.random` are functions of
//! the event.

mod machine;
mod output;

use crate::MAX_TRANSFORMATION;
use crate::event::Event;
use crate::fault::{Fault, FaultKind};
use machine::Machine;
pub(crate) use machine::processor_micros;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a transformation said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transformed {
    /// Nothing is to be sent.
    Skip,
    /// Send this.
    Send {
        content: Content,
        /// Headers to set (or, without a value, to leave out), with names as written.
        headers: Vec<(String, Option<String>)>,
    },
}

/// What the body is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// The event as it is.
    Unchanged,
    /// Other data (JSON text), in the endpoint's format.
    Data(String),
    /// The whole body, a value written as JSON.
    Json(String),
    /// The whole body, a text.
    Text(String),
}

/// Runs the program without an event: it must define `transform`, a function that gives its result at once, without failing.
pub(crate) fn check(text: &str, millis: u64) -> Result<(), Fault> {
    limited(text)?;
    Machine::new(0, millis)?.run(0.0, 0, |inside| {
        inside.load(text)?;
        inside.is_ordinary()
    })
}

/// Runs `transform(event)` within so much processor time.
pub(crate) fn run(text: &str, event: &Event, url: &str, millis: u64) -> Result<Transformed, Fault> {
    limited(text)?;
    let input = Input {
        id: &event.id,
        event_type: &event.event_type,
        timestamp: &event.timestamp,
        data: &event.data,
        url,
        headers: Headers {},
    };
    let input = serde_json::to_string(&input)
        .map_err(|error| Fault::failed(format!("the event cannot be given to the program: {error}")))?;
    let now = chrono::DateTime::parse_from_rfc3339(&event.timestamp).map_or(0, |at| at.timestamp_millis());
    #[expect(clippy::cast_precision_loss, reason = "JavaScript's time is a double by definition")]
    let now = now as f64;
    Machine::new(event.size(), millis)?.run(now, seed(&event.id), |inside| {
        let transform = inside.load(text)?;
        let result = inside.call(&transform, input)?;
        output::read(inside, &result)
    })
}

/// What `transform` is given: the event, where it goes, and headers to add to.
#[derive(Serialize)]
struct Input<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    timestamp: &'a str,
    data: &'a RawValue,
    url: &'a str,
    headers: Headers,
}

#[derive(Serialize)]
struct Headers {}

fn limited(text: &str) -> Result<(), Fault> {
    if text.len() > MAX_TRANSFORMATION {
        let message = format!("has {} bytes; a transformation may have at most {MAX_TRANSFORMATION}", text.len());
        return Err(Fault::new(FaultKind::Syntax, message));
    }
    if text.trim().is_empty() {
        return Err(Fault::new(FaultKind::Syntax, "is empty; leave it out to send events as they are"));
    }
    if text.contains('\0') {
        return Err(Fault::new(FaultKind::Syntax, "contains a NUL character"));
    }
    Ok(())
}

/// FNV-1a over the event's id.
fn seed(id: &str) -> u32 {
    id.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests;
