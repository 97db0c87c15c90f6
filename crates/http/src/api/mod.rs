//! The API under `/api/v1`, one module for each subject. Handlers shape input and output; the rules are the engine's.

pub mod accounts;
pub mod bots;
mod codes;
pub mod conversations;
pub mod deliveries;
pub mod endpoint_trials;
pub mod endpoints;
pub mod event_batches;
pub mod event_types;
pub mod events;
pub mod inboxes;
pub mod overview;
pub mod project;
pub mod replays;
pub mod scenarios;
pub mod stats;
pub mod traces;

use crate::extract::page;
use crate::problems::Answer;
use kanca_engine::storage::deliveries::StatusCounts;
use kanca_engine::storage::{Page, PageRequest};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

/// One part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    pub items: Vec<T>,
    /// Give it as `cursor` for the next part; `null` at the end.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A list that has no further parts.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page of records, each shown by `show`.
    pub fn of<R>(page: Page<R>, show: impl FnMut(R) -> T) -> Self {
        Self { next: page.next.map(|id| id.simple().to_string()), items: page.items.into_iter().map(show).collect() }
    }
}

impl<T> List<T> {
    /// A part of a list that is in memory, newest first.
    pub fn part<R>(all: Vec<R>, page: PageRequest, id: impl Fn(&R) -> Uuid, show: impl FnMut(R) -> T) -> Self {
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let mut rest = all.into_iter().filter(|r| page.after.is_none_or(|after| id(r) < after));
        let items: Vec<R> = rest.by_ref().take(limit).collect();
        let next = rest.next().and(items.last()).map(&id);
        Self::of(Page { items, next }, show)
    }
}

/// `?cursor=&limit=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    cursor: Option<String>,
    limit: Option<u32>,
}

impl PageQuery {
    /// The part that is asked for.
    pub fn page(&self) -> Answer<PageRequest> {
        page(self.cursor.as_deref(), self.limit)
    }
}

/// Numbers of deliveries by status.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct DeliveryCounts {
    pub pending: u64,
    pub delivered: u64,
    pub failed: u64,
    pub cancelled: u64,
}

impl From<StatusCounts> for DeliveryCounts {
    fn from(counts: StatusCounts) -> Self {
        let StatusCounts { pending, delivered, failed, cancelled } = counts;
        Self { pending, delivered, failed, cancelled }
    }
}

/// Reads a field that is there: `null` is then a value of its own (`Option<Option<T>>`) or a wrong type (`Option<T>`).
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads an optional field that is an object; a list would be read as its fields in their order.
pub fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_map(Object(PhantomData)).map(Some)
}

/// The same where `null` is a value of its own.
pub fn object_or_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    deserializer.deserialize_option(Nullable(Object(PhantomData))).map(Some)
}

/// Reads an object and nothing else; the place of a fault inside it stays known.
struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

struct Nullable<T>(Object<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Nullable<T> {
    type Value = Option<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }
    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_map(self.0).map(Some)
    }
}
