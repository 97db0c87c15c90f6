//! The thread that writes the journal. Callers that come together share one write and one sync: while it syncs, the next
//! ones queue up.

use super::{Files, Journal, Shared, files};
use crate::jobs::{Answers, Job, Jobs, Lost, Tx};
use crate::outcomes;
use crate::writer::Writer;
use kanca_domain::deliveries::DeliveryStatus;
use kanca_storage::deliveries::Recorded;
use kanca_storage::events::Accepted;
use kanca_storage::{Result, StorageError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use uuid::Uuid;

/// At most this many rows share a record.
const BATCH: usize = 512;
/// From this many bytes on a record is written before more rows are taken.
const RECORD: usize = files::LENGTH / 8;

/// When so many came together, the next ones are given a moment to come together, too: a sync costs the processor as much
/// as a message does, and where it is slow most of them wait for the one before anyway.
const MANY: usize = 8;
const GATHER: Duration = Duration::from_micros(300);
/// With so many, as outcomes of a fan-out are, longer: a sync every 0.3 ms cost a twentieth of the processor time.
const CROWD: usize = 128;
const GATHER_CROWD: Duration = Duration::from_millis(2);

/// What the thread is told.
pub(crate) enum Order {
    Write(Entry),
    /// Gives claims back.
    Release(Vec<Uuid>),
    /// Answered when all that was told before is done.
    Pass(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

impl Order {
    pub(super) fn accept(row: Vec<u8>, caller: Asker<Accepted>) -> Self {
        Self::Write(Entry { row, caller: Caller::Event(caller) })
    }

    pub(super) fn record(outcome: outcomes::Prepared, caller: Asker<Recorded>) -> Self {
        Self::Write(Entry { row: outcome.bytes, caller: Caller::Outcome(caller, outcome.leads_to) })
    }
}

/// Who is told what was done; without an answer gets the row back, because it did not fit here.
pub(super) type Asker<T> = oneshot::Sender<std::result::Result<Result<T>, Vec<u8>>>;

/// A row and who waits for it.
pub(crate) struct Entry {
    row: Vec<u8>,
    caller: Caller,
}

/// Who waits; for an outcome with the status that it leads to.
enum Caller {
    Event(Asker<Accepted>),
    Outcome(Asker<Recorded>, DeliveryStatus),
}

impl Entry {
    /// A caller that went away is no error: nothing was done for it.
    fn give_back(self) {
        match self.caller {
            Caller::Event(caller) => drop(caller.send(Err(self.row))),
            Caller::Outcome(caller, _) => drop(caller.send(Err(self.row))),
        }
    }
}

/// Starts the thread.
pub(crate) fn start(files: Files, shared: Arc<Shared>, writer: Writer) -> std::io::Result<(Journal, JoinHandle<()>)> {
    let (queue, orders) = channel();
    let journal = Journal { queue, shared: shared.clone(), writer: writer.clone() };
    let mut scribe = Scribe { files, shared, writer, answers: Answers::start(), record: Vec::new(), left: None };
    let thread = std::thread::Builder::new().name("kanca-journal".into()).spawn(move || scribe.serve(&orders))?;
    Ok((journal, thread))
}

struct Scribe {
    files: Files,
    shared: Arc<Shared>,
    writer: Writer,
    answers: Answers,
    /// The bytes of the record that is being written; kept for its room.
    record: Vec<u8>,
    /// A file that was filled, until the writer is told.
    left: Option<usize>,
}

impl Scribe {
    /// Serves until told to close, or until every handle is gone.
    fn serve(&mut self, orders: &Receiver<Order>) {
        let mut entries = Vec::with_capacity(BATCH);
        let mut releases = Vec::new();
        let mut passes = Vec::new();
        let mut closing = None;
        while closing.is_none() {
            let Ok(first) = orders.recv() else { return };
            let mut next = Some(first);
            let mut bytes = 0;
            while let Some(order) = next.take() {
                match order {
                    Order::Write(entry) => {
                        bytes += entry.row.len();
                        entries.push(entry);
                    }
                    Order::Release(deliveries) => releases.extend(deliveries),
                    Order::Pass(caller) => passes.push(caller),
                    Order::Close(done) => closing = Some(done),
                }
                if closing.is_none() && entries.len() < BATCH && bytes < RECORD {
                    next = orders.try_recv().ok();
                }
            }
            let many = entries.len();
            if !entries.is_empty() {
                self.write(std::mem::replace(&mut entries, Vec::with_capacity(BATCH)));
            }
            if !releases.is_empty() {
                let deliveries = std::mem::take(&mut releases);
                self.writer.release(deliveries);
            }
            for caller in passes.drain(..) {
                let _ = caller.send(());
            }
            if many >= MANY {
                std::thread::sleep(if many < CROWD { GATHER } else { GATHER_CROWD });
            }
        }
        if let Some(closing) = closing {
            let _ = closing.send(());
        }
    }

    /// Makes rows durable and answers their callers, or gives the rows back.
    fn write(&mut self, entries: Vec<Entry>) {
        let bytes: usize = entries.iter().map(|entry| 4 + entry.row.len()).sum();
        if !self.has_place(files::HEADER + bytes) || !self.shared.usable.load(Ordering::Relaxed) {
            return entries.into_iter().for_each(Entry::give_back);
        }
        self.record.clear();
        self.record.resize(files::HEADER, 0);
        for entry in &entries {
            let length = u32::try_from(entry.row.len()).unwrap_or(u32::MAX);
            self.record.extend_from_slice(&length.to_le_bytes());
            self.record.extend_from_slice(&entry.row);
        }
        let mut jobs: Jobs = entries.into_iter().map(|entry| -> Box<dyn Job> { Box::new(entry) }).collect();
        let sequence = self.shared.written.load(Ordering::Relaxed) + 1;
        match self.files.append(sequence, &mut self.record) {
            Ok(()) => {
                let mut waiting = self.shared.waiting.lock();
                waiting.left.extend(self.left.take());
                let is_enough = waiting.push(sequence, &self.record[files::HEADER..]);
                drop(waiting);
                let was_ahead = self.shared.is_ahead();
                self.shared.written.store(sequence, Ordering::Release);
                self.shared.commits.fetch_add(1, Ordering::Relaxed);
                if !was_ahead || is_enough {
                    self.writer.wake(is_enough);
                }
                self.answers.give(&mut jobs, None);
            }
            Err(error) => {
                tracing::error!(%error, lost = jobs.len(), "the journal could not be written; nothing of it was acknowledged");
                let lost = Lost::of(&StorageError::of_write(&error, "the journal could not be written"));
                self.answers.give(&mut jobs, Some(lost));
            }
        }
    }

    /// Whether the record has a place in the current file, or in the next one.
    fn has_place(&mut self, bytes: usize) -> bool {
        if self.files.fits(bytes) {
            return true;
        }
        let other = self.files.other();
        if self.left.is_some() || bytes > files::LENGTH || !self.shared.free[other].swap(false, Ordering::AcqRel) {
            return false;
        }
        let before = self.files.current();
        if let Err(error) = self.files.switch() {
            tracing::warn!(%error, "the journal's next file cannot be used; writing straight into the tables");
            self.shared.free[other].store(true, Ordering::Release);
            return false;
        }
        self.left = Some(before);
        self.writer.wake(true);
        true
    }
}

/// Answered from the journal. The row is freed with it, by the runtime, whose threads made it.
impl Job for Entry {
    fn run(&mut self, _: &mut Tx<'_>) -> bool {
        true
    }

    fn answer(self: Box<Self>, lost: Option<&Lost>) {
        let lost = lost.map(Lost::error);
        // A caller that went away is no error: what it asked for is done.
        match self.caller {
            Caller::Event(caller) => {
                drop(caller.send(Ok(lost.map_or_else(|| Ok(Accepted::New { held: Vec::new() }), Err))));
            }
            Caller::Outcome(caller, status) => {
                drop(caller.send(Ok(lost.map_or(Ok(Recorded { status, promoted: None }), Err))));
            }
        }
    }
}
