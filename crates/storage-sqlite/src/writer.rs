//! The one thread that writes. Callers that come together share one transaction and one sync to disk: while the thread
//! commits, the next ones queue up.

use crate::batches::Batches;
use crate::faults::{Run, closed};
use crate::jobs::{Call, Job, Jobs, Tx};
use kanca_storage::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use uuid::Uuid;

/// At most this many jobs share a commit, so that the first of them does not wait for ever.
const BATCH: usize = 512;
/// How long rows wait in the journal at most while they are few and nobody asks for what is in the tables.
const WINDOW: Duration = Duration::from_millis(200);

/// A handle to the writer's thread.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: Sender<Order>,
    commits: Arc<AtomicU64>,
    /// Callers that wait for an answer.
    waiting: Arc<AtomicUsize>,
}

/// A caller who waits, until this is dropped.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Order {
    Job(Box<dyn Job>),
    /// Something is in the journal.
    Journal,
    /// What is in the journal is to be applied now.
    Apply,
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread. `keep` is held until the connection is closed (the lock of the data directory).
    pub(crate) fn start(mut batches: Batches, keep: impl Send + 'static) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, orders) = channel();
        let commits = batches.commits.clone();
        let handle = std::thread::Builder::new().name("kanca-writer".into()).spawn(move || {
            let closing = serve(&mut batches, &orders);
            drop((batches, orders));
            drop(keep);
            if let Some(closing) = closing {
                let _ = closing.send(());
            }
        })?;
        Ok((Self { queue, commits, waiting: Arc::default() }, handle))
    }

    /// Runs a job in the next batch and waits until it is synced.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T>
    where
        F: FnMut(&mut Tx<'_>) -> Run<T> + Send + 'static,
        T: Send + 'static,
    {
        self.call_then(work, |done| done).await
    }

    /// The same; `wrap` is applied to the answer after the commit, before it leaves the writer's thread.
    pub(crate) async fn call_then<T, U, F, W>(&self, work: F, wrap: W) -> Result<U>
    where
        F: FnMut(&mut Tx<'_>) -> Run<T> + Send + 'static,
        T: Send + 'static,
        W: FnOnce(T) -> U + Send + 'static,
        U: Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let _waiting = Waiting::new(&self.waiting);
        self.queue.send(Order::Job(Box::new(Call::new(work, wrap, caller)))).map_err(|_| closed())?;
        let (result, _work) = answer.await.map_err(|_| closed())?;
        result
    }

    /// Waits for a moment in which nobody waits for the writer, but not longer than `patience`.
    pub(crate) async fn quiet(&self, patience: Duration) {
        let look = async {
            while self.waiting.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        drop(tokio::time::timeout(patience, look).await);
    }

    /// Gives claims back; nobody waits for it.
    pub(crate) fn release(&self, deliveries: Vec<Uuid>) {
        let (caller, _) = oneshot::channel();
        let work = move |tx: &mut Tx<'_>| -> Run<()> {
            for delivery in &deliveries {
                tx.memory.release(*delivery);
            }
            Ok(())
        };
        self.send(Box::new(Call::new(work, |()| (), caller)));
    }

    /// Queues a job that answers by itself.
    pub(crate) fn send(&self, job: Box<dyn Job>) {
        drop(self.queue.send(Order::Job(job)));
    }

    /// Tells that something is in the journal: soon, or now, it is applied.
    pub(crate) fn wake(&self, now: bool) {
        drop(self.queue.send(if now { Order::Apply } else { Order::Journal }));
    }

    /// Ends the thread after the jobs queued before.
    pub(crate) async fn close(&self) {
        if let Some(answer) = self.order_close() {
            drop(answer.await);
        }
    }

    pub(crate) fn order_close(&self) -> Option<oneshot::Receiver<()>> {
        let (done, answer) = oneshot::channel();
        self.queue.send(Order::Close(done)).ok().map(|()| answer)
    }

    /// How many transactions were committed since the start.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// Serves until told to close, or until every handle is gone.
fn serve(batches: &mut Batches, orders: &Receiver<Order>) -> Option<oneshot::Sender<()>> {
    let mut jobs: Jobs = Vec::with_capacity(BATCH);
    let mut closing = None;
    // Since when something waits in the journal.
    let mut ahead: Option<Instant> = None;
    while closing.is_none() {
        let order = match ahead {
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(since) => orders.recv_timeout(WINDOW.saturating_sub(since.elapsed())),
        };
        match order {
            Ok(Order::Job(job)) => jobs.push(job),
            Ok(Order::Journal) => {
                ahead = ahead.or_else(|| Some(Instant::now()));
                continue;
            }
            Ok(Order::Apply) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Order::Close(done)) => closing = Some(done),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        drain(orders, &mut jobs, &mut closing);
        if jobs.is_empty() {
            if let Err(error) = batches.apply_journal() {
                tracing::debug!(%error, "the journal could not be applied; it is tried again");
            }
        } else {
            batches.together(&mut jobs);
        }
        batches.checkpoints.between_commits(&batches.sql);
        ahead = batches.is_journal_ahead().then(Instant::now);
    }
    if let Err(error) = batches.apply_journal() {
        tracing::warn!(%error, "the journal could not be applied; it is at the next start");
    }
    closing
}

/// Takes what is there, up to a full batch.
fn drain(orders: &Receiver<Order>, jobs: &mut Jobs, closing: &mut Option<oneshot::Sender<()>>) {
    while jobs.len() < BATCH && closing.is_none() {
        match orders.try_recv() {
            Ok(Order::Job(job)) => jobs.push(job),
            // Everything is applied in any case.
            Ok(Order::Journal | Order::Apply) => {}
            Ok(Order::Close(done)) => *closing = Some(done),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
}
