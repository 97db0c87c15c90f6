//! The journal: where the two writes of every message, accepting an event and recording its outcome, become durable
//! before they are in the tables.
//!
//! A commit of SQLite rewrites the last page of every table and index it touches; with a few messages for each commit
//! that is most of what a message costs. So these two are appended to a file, synced together with all that came at the
//! same time and answered; the writer carries them into the tables a few hundred at a time, mostly the event together
//! with its outcome. Everything else goes to the writer as before, which first applies what is in the journal: whoever
//! asks after an answer finds what was answered. After a crash the records that are not in the tables are applied first.
//!
//! Only what is certain to be applied as it was answered goes this way: an event without an idempotency key, whose
//! deliveries wait behind no other; an outcome of a delivery that nothing waits behind and that was not touched since it
//! was handed out. And only while the disk has room, so that what was acknowledged finds its place.

mod apply;
mod files;
mod records;
mod scribe;
mod writeback;

pub(crate) use apply::Applying;
pub(crate) use files::Files;
pub(crate) use records::{Asked, Attempt, Delivery, Event, Key, Outcome, Record};
pub(crate) use scribe::{Order, start};
pub(crate) use writeback::Writeback;

use crate::faults::closed;
use crate::writer::Writer;
use crate::{events, outcomes};
use kanca_domain::ids::Id;
use kanca_storage::Result;
use kanca_storage::deliveries::{DueDelivery, Recorded};
use kanca_storage::events::Accepted;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use tokio::sync::oneshot;
use uuid::Uuid;

/// Rows that are durable in the journal, on their way into the tables.
#[derive(Default)]
pub(crate) struct Waiting {
    /// In order; each begins with a row's length. Blocks of one size, because a list that grows is copied, and is twice in
    /// memory meanwhile.
    pub blocks: Vec<Vec<u8>>,
    /// Bytes of all blocks.
    pub bytes: usize,
    /// The number of the last record that they came in.
    pub last: u64,
    /// Files that hold no rows behind these: they are left.
    pub left: Vec<usize>,
}

/// Bytes of a block, unless one record has more.
const BLOCK: usize = 256 << 10;
/// With so many bytes the writer is told not to wait for more. Under load that is the work of some 40 ms: long enough for
/// most events to go into the tables together with their outcomes, short enough to hold nobody up.
const ENOUGH: usize = 1536 << 10;

impl Waiting {
    /// Adds the rows of a record; says whether with them there are enough.
    pub(crate) fn push(&mut self, sequence: u64, rows: &[u8]) -> bool {
        match self.blocks.last_mut() {
            Some(block) if block.len() + rows.len() <= BLOCK => block.extend_from_slice(rows),
            _ => {
                let mut block = Vec::with_capacity(BLOCK.max(rows.len()));
                block.extend_from_slice(rows);
                self.blocks.push(block);
            }
        }
        self.last = sequence;
        let before = self.bytes;
        self.bytes += rows.len();
        before < ENOUGH && self.bytes >= ENOUGH
    }

    /// Adds what came later.
    pub(crate) fn append(&mut self, later: &mut Self) {
        self.blocks.append(&mut later.blocks);
        self.left.append(&mut later.left);
        self.bytes += std::mem::take(&mut later.bytes);
        self.last = self.last.max(std::mem::take(&mut later.last));
    }
}

/// What the journal's thread, the writer and the callers share.
#[derive(Default)]
pub(crate) struct Shared {
    /// In the journal, not in the tables yet.
    pub waiting: Mutex<Waiting>,
    /// The number of the last record in the journal, and of the last one in the tables.
    pub written: AtomicU64,
    pub applied: AtomicU64,
    /// Whether everything in this file is in the tables for good, so that it may be overwritten.
    pub free: [AtomicBool; files::COUNT],
    /// Whether the disk has room and the last batch was applied.
    pub usable: AtomicBool,
    /// Commits of the journal.
    pub commits: AtomicU64,
    known: Mutex<Known>,
}

/// What decides whether a row may go this way.
#[derive(Default)]
struct Known {
    deleted_endpoints: HashSet<Uuid>,
    /// Deliveries that were handed out and whose attempt has no outcome yet, with their endpoints.
    under_way: HashMap<Uuid, Uuid>,
}

impl Shared {
    pub(crate) fn new(deleted_endpoints: HashSet<Uuid>) -> Self {
        let known = Mutex::new(Known { deleted_endpoints, ..Known::default() });
        let free = std::array::from_fn(|file| AtomicBool::new(file > 0));
        Self { free, known, ..Self::default() }
    }

    /// Whether something is in the journal that is not in the tables.
    pub(crate) fn is_ahead(&self) -> bool {
        self.written.load(Ordering::Acquire) > self.applied.load(Ordering::Acquire)
    }
}

/// A handle to the journal's thread.
#[derive(Clone)]
pub(crate) struct Journal {
    queue: Sender<Order>,
    shared: Arc<Shared>,
    writer: Writer,
}

impl Journal {
    /// Whether an event may go this way; then the outcomes of what its caller takes may, too.
    pub(crate) fn takes_event(&self, event: &events::Prepared) -> bool {
        if !self.shared.usable.load(Ordering::Relaxed) || !event.is_plain() {
            return false;
        }
        let deliveries = &event.event.deliveries;
        let mut known = self.shared.known.lock();
        let takes = deliveries.iter().all(|d| !known.deleted_endpoints.contains(&d.endpoint_id.uuid()));
        if takes {
            let claimed = deliveries.iter().filter(|d| d.claim && d.waiter.is_none());
            known.under_way.extend(claimed.map(|d| (d.id.uuid(), d.endpoint_id.uuid())));
        }
        takes
    }

    /// Whether an outcome may go this way.
    pub(crate) fn takes_outcome(&self, outcome: &outcomes::Prepared) -> bool {
        // The answer of whatever comes after it must be read from the table.
        let came_this_way = self.shared.known.lock().under_way.remove(&outcome.delivery).is_some();
        came_this_way && self.shared.usable.load(Ordering::Relaxed) && outcome.is_small()
    }

    /// Outcomes of these may go this way, where no other delivery and no earlier state depends on them.
    pub(crate) fn handed_out(&self, deliveries: &[DueDelivery]) {
        let mut known = self.shared.known.lock();
        for due in deliveries.iter().filter(|due| due.queue_key.is_none() && !due.manual && due.waiter.is_none()) {
            if !known.deleted_endpoints.contains(&due.endpoint_id.uuid()) {
                known.under_way.insert(due.id.uuid(), due.endpoint_id.uuid());
            }
        }
    }

    /// Accepts an event, given as its row; returns when it is durable.
    pub(crate) async fn accept(&self, event: Vec<u8>) -> Result<Accepted> {
        let (caller, answer) = oneshot::channel();
        self.queue.send(Order::accept(event, caller)).map_err(|_| closed())?;
        match answer.await.map_err(|_| closed())? {
            Ok(accepted) => accepted,
            Err(row) => self.writer.call(move |tx| events::accept_row(tx, &row)).await,
        }
    }

    /// Records an outcome; returns when it is durable.
    pub(crate) async fn record(&self, outcome: outcomes::Prepared) -> Result<Recorded> {
        let (caller, answer) = oneshot::channel();
        self.queue.send(Order::record(outcome, caller)).map_err(|_| closed())?;
        match answer.await.map_err(|_| closed())? {
            Ok(recorded) => recorded,
            Err(row) => self.writer.call(move |tx| outcomes::record(tx, &row)).await,
        }
    }

    /// Waits until all that was asked for before is with the writer, or given back: also what callers asked for that went
    /// away, whom nobody answers.
    pub(crate) async fn catch_up(&self) {
        let (caller, answer) = oneshot::channel();
        if self.queue.send(Order::Pass(caller)).is_ok() {
            drop(answer.await);
        }
    }

    /// Gives claims back, after all that was asked for before.
    pub(crate) fn release(&self, deliveries: Vec<Uuid>) {
        self.forget(&deliveries);
        drop(self.queue.send(Order::Release(deliveries)));
    }

    /// An outcome of these is to be read from the table from now on.
    pub(crate) fn forget(&self, deliveries: &[Uuid]) {
        let mut known = self.shared.known.lock();
        for delivery in deliveries {
            known.under_way.remove(delivery);
        }
    }

    /// Events and outcomes of this endpoint are to be judged by the table from now on.
    pub(crate) fn endpoint_deleted(&self, endpoint: Uuid) {
        let mut known = self.shared.known.lock();
        known.deleted_endpoints.insert(endpoint);
        known.under_way.retain(|_, of| *of != endpoint);
    }

    /// Waits until all that was answered is in the tables.
    pub(crate) async fn settle(&self) {
        if self.shared.is_ahead() {
            // Without room on the disk, what is in the tables is read as it is.
            drop(self.writer.call(|_| Ok(())).await);
        }
    }

    /// How many commits there were.
    pub(crate) fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    pub(crate) fn order_close(&self) -> Option<oneshot::Receiver<()>> {
        let (done, answer) = oneshot::channel();
        self.queue.send(Order::Close(done)).ok().map(|()| answer)
    }
}
