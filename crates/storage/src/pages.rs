//! Lists come in pages, by id: newest first unless the method says otherwise.

use uuid::Uuid;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    /// Continue after this id (exclusive); `None` starts at the newest.
    pub after: Option<Uuid>,
    /// At most this many items, 1–200.
    pub limit: u32,
}

/// One part of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// The id to continue after, when there is more.
    pub next: Option<Uuid>,
}
