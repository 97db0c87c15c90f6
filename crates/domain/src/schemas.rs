//! JSON Schemas of event types: compiled once, asked for each event of a project that validates.
//!
//! A schema comes from outside and so does the data, so neither may cost much: nothing is ever fetched (`$ref` is local
//! only), what a schema holds is bounded when it is compiled (`limits`), and every check has a bounded effort, whatever
//! the schema's rules do (`metered`); patterns run on an engine whose time is linear, and count by their size.

mod limits;
mod metered;
mod patterns;
mod words;

use jsonschema::{PatternOptions, ValidationError, Validator};
use metered::{Data, Metered, within};
use serde_json::Value;
use std::fmt;

/// Bytes of a schema at most.
pub const MAX_SCHEMA_BYTES: usize = 64 << 10;
/// Mismatches that are named at most.
const MOST_NAMED: usize = 5;
/// Characters of a message at most.
const MOST_WORDS: usize = 300;
/// Memory of one compiled pattern.
const PATTERN_BYTES: usize = 256 << 10;
/// A schema that can go as deep as the data gets a stack for it.
const DEEP_STACK: usize = 64 << 20;
/// Positions of patterns up to which small data is checked in no time.
const LIGHT_POSITIONS: usize = 64;
/// Bytes of data that are checked in no time by a light schema.
const LIGHT_BYTES: usize = 16 << 10;
/// What finding the places of mismatches may cost, beside finding that there are some.
const NAMING: usize = 500_000;

/// What checks may cost together: a unit is about 50 ns at worst, and most are far cheaper.
#[derive(Debug)]
pub struct Effort(usize);

impl Effort {
    /// What is enough for data of this size, all of it together.
    pub fn for_bytes(bytes: usize) -> Self {
        Self(2_000_000 + 16 * bytes)
    }
}

/// A compiled schema.
pub struct Schema {
    validator: Validator<Metered>,
    is_recursive: bool,
    positions: usize,
}

/// Why a text is no schema that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", at(.pointer))]
pub struct InvalidSchema {
    /// The place in the schema, as a JSON pointer (RFC 6901); empty for the whole of it.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// Where some data is not as its schema says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The place in the data, as a JSON pointer; empty for the whole of it.
    pub pointer: String,
    /// What is wrong there; values of the data are not repeated.
    pub message: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", at(&self.pointer), self.message)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("is_recursive", &self.is_recursive).finish_non_exhaustive()
    }
}

impl Schema {
    /// Compiles a JSON Schema: draft 2020-12 unless `$schema` names another. `format` is checked, too.
    pub fn compile(text: &str) -> Result<Self, InvalidSchema> {
        let whole = |message: String| InvalidSchema { pointer: String::new(), message };
        if text.len() > MAX_SCHEMA_BYTES {
            return Err(whole(format!("has {} bytes; at most {MAX_SCHEMA_BYTES} are allowed", text.len())));
        }
        let schema: Value = serde_json::from_str(text).map_err(|e| whole(format!("is no JSON: {e}")))?;
        if !(schema.is_object() || schema.is_boolean()) {
            return Err(whole("must be an object, such as {\"type\": \"object\"}".into()));
        }
        let limits::Surveyed { is_recursive, positions } = limits::check(&schema)?;
        let options = jsonschema::options_for::<Metered>()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES));
        let validator = options.build(&schema).map_err(|error| {
            let (pointer, message) = words::of_schema(&error);
            InvalidSchema { pointer, message: cut(&message) }
        })?;
        Ok(Self { validator, is_recursive, positions })
    }

    /// Whether data of this size is checked in no time, so that nobody need wait for it elsewhere.
    pub fn is_light(&self, bytes: usize) -> bool {
        !self.is_recursive && self.positions <= LIGHT_POSITIONS && bytes <= LIGHT_BYTES
    }

    /// Checks a JSON text; says where it is not as the schema demands. Spends of the effort.
    pub fn check(&self, data: &str, effort: &mut Effort) -> Result<(), Vec<Mismatch>> {
        if self.is_recursive {
            let deep = std::thread::scope(|scope| {
                let builder = std::thread::Builder::new().stack_size(DEEP_STACK);
                builder.spawn_scoped(scope, || self.check_here(data, effort)).ok()?.join().ok()
            });
            return deep.unwrap_or_else(|| Err(whole("could not be checked; try again later")));
        }
        self.check_here(data, effort)
    }

    fn check_here(&self, data: &str, effort: &mut Effort) -> Result<(), Vec<Mismatch>> {
        let parsed: Value = serde_json::from_str(data).map_err(|e| whole(&format!("cannot be checked: {e}")))?;
        let data = Data(&parsed);
        let Some((valid, left)) = within(effort.0, self.positions, || self.validator.is_valid(data)) else {
            effort.0 = 0;
            return Err(whole("takes too long to be checked; make the type's schema simpler"));
        };
        effort.0 = left;
        if valid { Ok(()) } else { Err(self.mismatches(data)) }
    }

    /// Names what is wrong with data that is not valid: several places if they are found soon, or one, or none.
    fn mismatches(&self, data: Data<'_>) -> Vec<Mismatch> {
        let several = || self.validator.iter_errors(data).take(MOST_NAMED).map(|e| mismatch(&e)).collect();
        let first = || self.validator.validate(data).map_err(|e| mismatch(&e)).err().into_iter().collect();
        let found = within(NAMING, self.positions, several).or_else(|| within(4 * NAMING, self.positions, first));
        match found {
            Some((mismatches, _)) => mismatches,
            None => whole("is not as the schema demands; it is too large to say where"),
        }
    }
}

fn mismatch(error: &ValidationError<'_>) -> Mismatch {
    Mismatch { pointer: error.instance_path().to_string(), message: cut(&words::words(error)) }
}

fn whole(message: &str) -> Vec<Mismatch> {
    vec![Mismatch { pointer: String::new(), message: message.into() }]
}

fn at(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("at {pointer}: ") }
}

fn cut(message: &str) -> String {
    match message.char_indices().nth(MOST_WORDS) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
