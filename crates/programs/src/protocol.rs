//! What passes between Kanca and a child: a length (four bytes, little-endian) and that much JSON, both ways.

use crate::event::Event;
use crate::fault::Fault;
use crate::transformation::Transformed;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// The largest message; whoever says more is broken.
pub(crate) const LARGEST: usize = 64 * 1024 * 1024;

/// Work for a child, with the processor time that each program in it may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    pub work: Work,
    pub millis: u64,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Work {
    CheckFilter(String),
    CheckTransformation(String),
    /// One answer comes for each filter, as soon as it is there.
    Filter {
        event: Event,
        filters: Vec<String>,
    },
    Transform {
        event: Event,
        url: String,
        text: String,
    },
}

impl Work {
    /// How many answers it has.
    pub fn answers(&self) -> usize {
        match self {
            Self::Filter { filters, .. } => filters.len(),
            _ => 1,
        }
    }
}

/// What came of it, with the microseconds that it took on the clock and of the processor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub told: Told,
    pub micros: u64,
    pub processor_micros: u64,
}

/// What a program said.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    Checked(Result<(), Fault>),
    Passed(Result<bool, Fault>),
    Transformed(Result<Transformed, Fault>),
}

impl Told {
    /// What went wrong, if anything.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Checked(result) => result.as_ref().err(),
            Self::Passed(result) => result.as_ref().err(),
            Self::Transformed(result) => result.as_ref().err(),
        }
    }
}

/// A message with its length.
pub(crate) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// Reads one message; `None` when the other side has gone.
pub(crate) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut bytes = vec![0; bounded(length)?];
    from.read_exact(&mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// Writes one message.
pub(crate) fn write(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    to.write_all(&frame(message)?)?;
    to.flush()
}

/// The length of a message, checked.
pub(crate) fn bounded(length: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > LARGEST { Err(io::Error::other("a message is too long")) } else { Ok(length) }
}
