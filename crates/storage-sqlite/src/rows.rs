//! Between columns and the domain's types. Enums are stored as small numbers; the numbers never change.

use jiff::Timestamp;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_domain::endpoints::{EndpointStatus, Ordering};
use kanca_domain::formats::Format;
use kanca_domain::ids::Id;
use kanca_storage::conversations::Sender;
use kanca_storage::inboxes::SignatureState;
use kanca_storage::{Page, PageRequest, StorageError};
use rusqlite::types::{FromSql, Type};
use rusqlite::{Row, RowIndex};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::str::FromStr;
use uuid::Uuid;

/// An id as a column's value.
pub(crate) fn key(id: impl Id) -> [u8; 16] {
    id.uuid().into_bytes()
}

pub(crate) fn opt_key(id: Option<impl Id>) -> Option<[u8; 16]> {
    id.map(key)
}

/// An instant as a column's value; what is finer than a microsecond is cut.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn opt_micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(micros)
}

/// SQLite's integers are signed; no number of ours comes near the limit.
pub(crate) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn uint(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

pub(crate) fn json(value: &impl Serialize) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Internal(format!("a value is no JSON: {error}")))
}

/// Headers as JSON, a list of pairs. Two such lists are written for each attempt, hardly ever with anything to escape.
pub(crate) fn json_of_headers<T: AsRef<str>>(headers: &[(T, T)]) -> Result<String, StorageError> {
    let pairs = headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    let likely = pairs.clone().map(|(name, value)| name.len() + value.len() + 8).sum::<usize>() + 2;
    let mut text = String::with_capacity(likely);
    text.push('[');
    for (n, (name, value)) in pairs.enumerate() {
        text.push_str(if n == 0 { "[" } else { ",[" });
        push_json(&mut text, name)?;
        text.push(',');
        push_json(&mut text, value)?;
        text.push(']');
    }
    text.push(']');
    Ok(text)
}

/// Adds a JSON string.
pub(crate) fn push_json(text: &mut String, value: &str) -> Result<(), StorageError> {
    // Looks at every byte, because a loop that may end early is not done sixteen bytes at a time.
    let escapes = |byte| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    let must_escape = value.bytes().fold(0, |any, byte| any | escapes(byte)) != 0;
    if must_escape {
        text.push_str(&json(&value)?);
    } else {
        text.push('"');
        text.push_str(value);
        text.push('"');
    }
    Ok(())
}

pub(crate) fn id<I: Id>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<I> {
    row.get::<_, [u8; 16]>(column).map(|bytes| I::from_uuid(Uuid::from_bytes(bytes)))
}

pub(crate) fn opt_id<I: Id>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<I>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(|bytes| I::from_uuid(Uuid::from_bytes(bytes))))
}

pub(crate) fn time(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|error| wrong(Type::Integer, error))
}

pub(crate) fn opt_time(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<Timestamp>> {
    let micros: Option<i64> = row.get(column)?;
    micros.map(|m| Timestamp::from_microsecond(m).map_err(|error| wrong(Type::Integer, error))).transpose()
}

pub(crate) fn number<N: TryFrom<i64>>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<N> {
    N::try_from(row.get(column)?).map_err(|_| wrong(Type::Integer, "the number is out of range"))
}

/// A text that has a type of its own.
pub(crate) fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<T> {
    row.get_ref(column)?.as_str()?.parse().map_err(|error: T::Err| wrong(Type::Text, error))
}

/// A JSON column.
pub(crate) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| wrong(Type::Text, error))
}

/// A JSON column that is null when there is nothing.
pub(crate) fn opt_json<T: DeserializeOwned>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| serde_json::from_str(text).map_err(|error| wrong(Type::Text, error))).transpose()
}

pub(crate) fn hash(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<[u8; 32]> {
    row.get(column)
}

/// A column that holds what the code cannot have written.
pub(crate) fn wrong(column: Type, error: impl Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, column, error.to_string().into())
}

/// A small number for each value of an enum.
pub(crate) trait Code: Copy + PartialEq + 'static {
    /// The values in the order of their numbers.
    const ALL: &'static [Self];

    fn code(self) -> i64 {
        Self::ALL.iter().position(|value| *value == self).map_or(-1, |code| int(code as u64))
    }

    fn read(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Self> {
        let code = i64::column_result(row.get_ref(column)?).map_err(|error| wrong(Type::Integer, error))?;
        usize::try_from(code)
            .ok()
            .and_then(|code| Self::ALL.get(code).copied())
            .ok_or_else(|| wrong(Type::Integer, format!("no value has the number {code}")))
    }
}

impl Code for DeliveryStatus {
    const ALL: &'static [Self] = &Self::ALL;
}

impl Code for Format {
    const ALL: &'static [Self] = &Self::ALL;
}

impl Code for Ordering {
    const ALL: &'static [Self] = &[Self::Key, Self::None];
}

impl Code for EndpointStatus {
    const ALL: &'static [Self] = &[Self::Active, Self::Paused, Self::Disabled];
}

impl Code for SignatureState {
    const ALL: &'static [Self] = &[Self::Valid, Self::Invalid, Self::Unsigned, Self::Unchecked];
}

impl Code for Sender {
    const ALL: &'static [Self] = &[Self::Contact, Self::Bot, Self::Agent, Self::Note];
}

/// How many rows a page may have, and one more that tells whether there is another page.
pub(crate) fn page_limit(page: PageRequest) -> usize {
    page.limit.clamp(1, 200) as usize
}

/// The value before which a page starts, when lists go from new to old.
pub(crate) fn before(page: PageRequest) -> [u8; 16] {
    page.after.map_or([0xff; 16], Uuid::into_bytes)
}

/// A page from one row more than it may have.
pub(crate) fn page_of<T>(mut items: Vec<T>, limit: usize, id: impl Fn(&T) -> Uuid) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(id) } else { None };
    Page { items, next }
}
