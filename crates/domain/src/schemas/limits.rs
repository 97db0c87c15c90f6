//! What a schema may hold: references only within itself, no part that is its own condition, and no more rules than can
//! be asked quickly, however cleverly they refer to one another.

use super::InvalidSchema;
use super::patterns::positions;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// How deep parts may lie in parts, references followed.
const MOST_DEEP: usize = 64;
/// Parts at most, each counted as often as it is referred to.
const MOST_PARTS: usize = 5_000;
/// Patterns at most; each takes memory.
const MOST_PATTERNS: usize = 50;

/// Keywords whose values are data, not schemas.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];
/// Keywords whose values hold schemas by name.
const NAMED: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];
/// Keywords that ask a further schema about the same value.
const IN_PLACE: [&str; 9] =
    ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"];
/// Keywords whose schemas are asked only by reference.
const SHELVES: [&str; 2] = ["$defs", "definitions"];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// What matters for checking data by a schema.
pub(super) struct Surveyed {
    /// It can go as deep as the data.
    pub is_recursive: bool,
    /// Positions of its largest pattern.
    pub positions: usize,
}

/// Checks a schema's references, patterns and weight.
pub(super) fn check(schema: &Value) -> Result<Surveyed, InvalidSchema> {
    let mut found = Found::default();
    found.look(schema, false, &mut String::new(), 0)?;
    if found.patterns > MOST_PATTERNS {
        let message = format!("has {} patterns; at most {MOST_PATTERNS} are allowed", found.patterns);
        return Err(fault("", message));
    }
    let positions = found.positions;
    let mut survey = Survey { root: schema, found, weights: HashMap::new(), path: Vec::new(), is_recursive: false };
    let parts = survey.weigh(schema, true, "")?.parts;
    if parts > MOST_PARTS {
        let message = format!("has {parts} parts when its references are followed; at most {MOST_PARTS} are allowed");
        return Err(fault("", message));
    }
    Ok(Surveyed { is_recursive: survey.is_recursive, positions })
}

fn fault(pointer: &str, message: impl Into<String>) -> InvalidSchema {
    InvalidSchema { pointer: pointer.to_owned(), message: message.into() }
}

/// What was found in a schema, wherever parts may be.
#[derive(Default)]
struct Found<'a> {
    anchors: HashMap<&'a str, &'a Value>,
    /// Everything that a reference may mean.
    places: HashSet<*const Value>,
    patterns: usize,
    positions: usize,
}

impl<'a> Found<'a> {
    /// Looks at a part, or at parts by name; every reference stays within the schema.
    fn look(&mut self, value: &'a Value, named: bool, pointer: &mut String, deep: usize) -> Result<(), InvalidSchema> {
        if deep > 2 * MOST_DEEP {
            return Err(fault(pointer, format!("is nested more than {MOST_DEEP} parts deep")));
        }
        if !named {
            self.places.insert(value);
        }
        match value {
            Value::Object(parts) => {
                for (keyword, inner) in parts {
                    let length = pointer.len();
                    pointer.push('/');
                    pointer.push_str(&keyword.replace('~', "~0").replace('/', "~1"));
                    let key = if named { "" } else { keyword.as_str() };
                    self.keyword(key, value, inner, pointer)?;
                    if !DATA.contains(&key) {
                        self.look(inner, NAMED.contains(&key), pointer, deep + 1)?;
                    }
                    if key == "patternProperties" {
                        inner.as_object().into_iter().flatten().for_each(|(pattern, _)| self.pattern(pattern));
                    }
                    pointer.truncate(length);
                }
            }
            Value::Array(list) => {
                for (place, inner) in list.iter().enumerate() {
                    let length = pointer.len();
                    pointer.push('/');
                    pointer.push_str(&place.to_string());
                    self.look(inner, false, pointer, deep + 1)?;
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn keyword(&mut self, key: &str, part: &'a Value, inner: &'a Value, pointer: &str) -> Result<(), InvalidSchema> {
        let Value::String(text) = inner else { return Ok(()) };
        match key {
            key if REFERENCES.contains(&key) && !text.starts_with('#') => Err(fault(
                pointer,
                "refers to another document, and nothing is fetched; put it under $defs and refer to it as #/$defs/…",
            )),
            "$id" | "id" if pointer.matches('/').count() > 1 => Err(fault(pointer, "is allowed at the top only")),
            "$anchor" | "$dynamicAnchor"
                if self.anchors.insert(text, part).is_some_and(|old| !std::ptr::eq(old, part)) =>
            {
                Err(fault(pointer, "is the name of two parts"))
            }
            "pattern" => {
                self.pattern(text);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn pattern(&mut self, pattern: &str) {
        self.patterns += 1;
        self.positions = self.positions.max(positions(pattern));
    }
}

/// How heavy a part is, with everything that it leads to.
#[derive(Clone, Copy)]
struct Weight {
    parts: usize,
    deep: usize,
}

struct Survey<'a> {
    root: &'a Value,
    found: Found<'a>,
    weights: HashMap<*const Value, Weight>,
    /// The parts that led here; whether each was asked about the same value as the one before it.
    path: Vec<(*const Value, bool)>,
    is_recursive: bool,
}

impl<'a> Survey<'a> {
    fn weigh(&mut self, part: &'a Value, in_place: bool, pointer: &str) -> Result<Weight, InvalidSchema> {
        let this: *const Value = part;
        if let Some(above) = self.path.iter().position(|(known, _)| *known == this) {
            if in_place && self.path[above + 1..].iter().all(|(_, in_place)| *in_place) {
                return Err(fault(pointer, "leads back to itself for the same value, so it could never be decided"));
            }
            self.is_recursive = true;
            return Ok(Weight { parts: 1, deep: 0 });
        }
        if let Some(known) = self.weights.get(&this) {
            return Ok(*known);
        }
        if self.path.len() > MOST_DEEP {
            return Err(fault(pointer, format!("is nested more than {MOST_DEEP} parts deep, references followed")));
        }
        let mut weight = Weight { parts: 1, deep: 0 };
        self.path.push((this, in_place));
        for (keyword, value) in part.as_object().into_iter().flatten() {
            let here = format!("{pointer}/{keyword}");
            match (keyword.as_str(), value) {
                (key, Value::String(to)) if REFERENCES.contains(&key) => {
                    let target = self.target(to).ok_or_else(|| fault(&here, "refers to nothing that is a part"))?;
                    self.add(&mut weight, target, true, &here)?;
                }
                (key, _) if DATA.contains(&key) || SHELVES.contains(&key) => {}
                (key, value) => {
                    let in_place = IN_PLACE.contains(&key);
                    for inner in inner_parts(key, value) {
                        self.add(&mut weight, inner, in_place, &here)?;
                    }
                }
            }
        }
        self.path.pop();
        if weight.deep > MOST_DEEP {
            return Err(fault(pointer, format!("is nested more than {MOST_DEEP} parts deep, references followed")));
        }
        self.weights.insert(this, weight);
        Ok(weight)
    }

    fn add(&mut self, to: &mut Weight, part: &'a Value, in_place: bool, at: &str) -> Result<(), InvalidSchema> {
        let inner = self.weigh(part, in_place, at)?;
        to.parts = to.parts.saturating_add(inner.parts);
        to.deep = to.deep.max(inner.deep + 1);
        Ok(())
    }

    /// The part that a local reference means.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let fragment = percent_decoded(reference.strip_prefix('#')?);
        let target = match fragment.as_str() {
            pointer if pointer.is_empty() || pointer.starts_with('/') => self.root.pointer(pointer)?,
            anchor => self.found.anchors.get(anchor)?,
        };
        self.found.places.contains(&std::ptr::from_ref(target)).then_some(target)
    }
}

/// The schemas that a keyword's value holds.
fn inner_parts<'a>(keyword: &str, value: &'a Value) -> Vec<&'a Value> {
    match (keyword, value) {
        ("properties" | "patternProperties" | "dependentSchemas" | "dependencies", Value::Object(named)) => {
            named.values().filter(|inner| inner.is_object()).collect()
        }
        (_, Value::Array(list)) => list.iter().filter(|inner| inner.is_object()).collect(),
        (_, Value::Object(_)) => vec![value],
        _ => Vec::new(),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let decoded = (*first == b'%').then(|| tail.get(..2)).flatten();
        if let Some(byte) = decoded.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
