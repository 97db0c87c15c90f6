//! JSON data that counts how often it is looked at, so that no schema can make a check endless: whatever a rule does, it
//! asks the data, each question costs effort, and when there is none left the check is given up where it is.

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What naming one mismatch costs: it takes memory, unlike a question.
const MISMATCH: usize = 200;
/// Positions of a pattern that one unit of effort moves by one byte.
const POSITIONS: usize = 4;

/// What is left to be spent, and how many positions the largest pattern has.
#[derive(Debug, Clone, Copy)]
struct Meter {
    left: usize,
    positions: usize,
}

thread_local! {
    static METER: Cell<Meter> = const { Cell::new(Meter { left: 0, positions: 0 }) };
}

struct Empty;

/// Runs a check with this much effort and says what is left; `None` when it was not enough.
pub(super) fn within<T>(effort: usize, positions: usize, check: impl FnOnce() -> T) -> Option<(T, usize)> {
    METER.set(Meter { left: effort, positions });
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(checked) => Some((checked, METER.get().left)),
        Err(end) if end.is::<Empty>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

fn spend(effort: usize) {
    let meter = METER.get();
    match meter.left.checked_sub(effort) {
        Some(left) => METER.set(Meter { left, ..meter }),
        // Not a panic: no hook is told, nothing is printed. There is no other way out of the middle of a check.
        None => resume_unwind(Box::new(Empty)),
    }
}

/// A text costs as much as the largest pattern may take to be matched against it.
fn spend_text(text: &str) {
    spend(1 + text.len().saturating_mul(METER.get().positions) / POSITIONS);
}

/// A value and all that is in it.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    }
}

/// The representation that the validator is built for.
pub(super) struct Metered;

#[derive(Clone, Copy)]
pub(super) struct Data<'a>(pub &'a Value);

#[derive(Clone, Copy)]
pub(super) struct Members<'a>(&'a Map<String, Value>);

#[derive(Clone, Copy)]
pub(super) struct Items<'a>(&'a [Value]);

/// The name of a member, which patterns are matched against.
pub(super) struct Name<'a>(&'a str);

impl AsRef<str> for Name<'_> {
    fn as_ref(&self) -> &str {
        spend_text(self.0);
        self.0
    }
}

impl<'a> From<Name<'a>> for Cow<'a, str> {
    fn from(name: Name<'a>) -> Self {
        spend(1);
        Cow::Borrowed(name.0)
    }
}

impl Json for Metered {
    type Node<'a> = Data<'a>;
    type PreparedKey = String;
    type StringBuffer = ();

    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Data<'_>) -> T) -> T {
        f(Data(&Value::String(string.to_owned())))
    }
}

impl<'a> Node<'a, Metered> for Data<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = &'a Number;

    fn as_object(&self) -> Option<Members<'a>> {
        spend(1);
        self.0.as_object().map(Members)
    }

    fn as_array(&self) -> Option<Items<'a>> {
        spend(1);
        self.0.as_array().map(|items| Items(items))
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        spend(1);
        self.0.as_str().inspect(|text| spend_text(text)).map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<&'a Number> {
        spend(1);
        self.0.as_number()
    }

    fn as_boolean(&self) -> Option<bool> {
        spend(1);
        self.0.as_bool()
    }

    fn is_null(&self) -> bool {
        spend(1);
        self.0.is_null()
    }

    fn json_type(&self) -> JsonType {
        spend(1);
        match self.0 {
            Value::Null => JsonType::Null,
            Value::Bool(_) => JsonType::Boolean,
            Value::Number(_) => JsonType::Number,
            Value::String(_) => JsonType::String,
            Value::Array(_) => JsonType::Array,
            Value::Object(_) => JsonType::Object,
        }
    }

    fn string_length(&self) -> Option<u64> {
        let text = self.0.as_str();
        spend(1 + text.map_or(0, str::len) / 64);
        text.map(|text| text.chars().count() as u64)
    }

    fn equals_value(&self, expected: &Value) -> bool {
        spend(match expected {
            Value::Array(_) | Value::Object(_) => size(expected),
            _ => 1,
        });
        jsonschema::json::cmp::equal(self.0, expected)
    }

    fn to_value(&self) -> Cow<'a, Value> {
        spend(MISMATCH);
        Cow::Borrowed(self.0)
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref(self.0).addr()))
    }
}

impl<'a> Object<'a, Metered> for Members<'a> {
    type Node = Data<'a>;
    type MemberName = Name<'a>;
    type MembersIter = std::iter::Map<serde_json::map::Iter<'a>, fn((&'a String, &'a Value)) -> (Name<'a>, Data<'a>)>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &String) -> Option<Data<'a>> {
        spend(1);
        self.0.get(key.as_str()).map(Data)
    }

    fn members(&self) -> Self::MembersIter {
        self.0.iter().map(|(name, value)| {
            spend(1);
            (Name(name), Data(value))
        })
    }
}

impl<'a> Array<'a, Metered> for Items<'a> {
    type Node = Data<'a>;
    type ElementsIter = std::iter::Map<std::slice::Iter<'a, Value>, fn(&'a Value) -> Data<'a>>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> Self::ElementsIter {
        self.0.iter().map(|value| {
            spend(1);
            Data(value)
        })
    }

    fn is_unique(&self) -> bool {
        spend(self.0.iter().map(size).sum::<usize>().saturating_mul(4));
        jsonschema::json::unique::is_unique(self.0)
    }
}
