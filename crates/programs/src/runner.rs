//! Where programs are handed in to be run: a few child processes in two lanes.
//!
//! A program starts in the quick lane, with a part of the time that it may use. If it needs more, it is run again from
//! the start (it can do nothing but compute) in the slow lane, and begins there the next time; so a hundred endless loops
//! wait for one another and not before the programs of others.

mod lanes;
mod process;

use crate::child::Programs;
use crate::event::Event;
use crate::fault::{Fault, FaultKind};
use crate::protocol::{Answer, Request, Told, Work};
use crate::transformation::Transformed;
use lanes::{History, Lane};
use parking_lot::Mutex;
use process::{Child, Ended};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::SemaphorePermit;

/// Processor time of a run in the quick lane.
const QUICK_MILLIS: u64 = 10;
/// How long a filter may wait for a place; the publisher waits with it.
const FILTER_WAIT: Duration = Duration::from_millis(500);
/// How long a person's check waits.
const CHECK_WAIT: Duration = Duration::from_secs(5);
/// How long an attempt waits.
const ATTEMPT_WAIT: Duration = Duration::from_secs(10);

/// A finished run.
#[derive(Debug, Clone)]
pub struct Ran<T> {
    pub result: Result<T, Fault>,
    /// Microseconds that the program took, without waiting for a place.
    pub micros: u64,
}

/// Runs programs; cheap to clone.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    /// The binary that serves as a child when called with [`Runner::COMMAND`]; none = in this process.
    binary: Option<PathBuf>,
    quick: Lane,
    slow: Lane,
    history: Mutex<History>,
}

impl Runner {
    /// The command by which the binary becomes a child.
    pub const COMMAND: &'static str = "run-programs";

    /// Runs programs in child processes of this binary.
    pub fn with_children(binary: PathBuf) -> Self {
        let places = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4));
        Self::new(Some(binary), places)
    }

    /// Runs programs in threads of this process, which cannot be ended: for tests and benchmarks of trusted programs.
    pub fn in_process() -> Self {
        Self::new(None, 2)
    }

    fn new(binary: Option<PathBuf>, places: usize) -> Self {
        let history = Mutex::new(History::default());
        Self(Arc::new(Inner {
            binary,
            quick: Lane::new(places, QUICK_MILLIS),
            slow: Lane::new(1, crate::RUN_MILLIS),
            history,
        }))
    }

    /// What is wrong with a filter, if anything.
    pub async fn check_filter(&self, text: &str) -> Result<(), Fault> {
        self.check(text, Work::CheckFilter(text.to_owned())).await
    }

    /// What is wrong with a transformation, if that shows without an event.
    pub async fn check_transformation(&self, text: &str) -> Result<(), Fault> {
        self.check(text, Work::CheckTransformation(text.to_owned())).await
    }

    async fn check(&self, text: &str, work: Work) -> Result<(), Fault> {
        match self.run(text, work, CHECK_WAIT).await.told {
            Told::Checked(result) => result,
            Told::Passed(Err(fault)) | Told::Transformed(Err(fault)) => Err(fault),
            _ => Err(unexpected()),
        }
    }

    /// Which filters an event passes, in their order. A filter that ran out of its time is not run again for ten seconds.
    pub async fn filter(&self, event: &Event, filters: &[&str]) -> Vec<Ran<bool>> {
        let mut results: Vec<Option<Ran<bool>>> = vec![None; filters.len()];
        let (mut quick, mut slow) = (Vec::new(), Vec::new());
        {
            let history = self.0.history.lock();
            for (at, text) in filters.iter().enumerate() {
                if history.rests(text) {
                    let fault = Fault::new(FaultKind::NotRun, "ran out of its time a moment ago and was not run again");
                    results[at] = Some(Ran { result: Err(fault), micros: 0 });
                } else if history.is_slow(text) {
                    slow.push(at);
                } else {
                    quick.push(at);
                }
            }
        }
        let (quick, at_once) = tokio::join!(
            self.filter_in(&self.0.quick, event, filters, quick),
            self.filter_in(&self.0.slow, event, filters, slow)
        );
        let (again, done): (Vec<_>, Vec<_>) = quick.into_iter().partition(|(_, ran)| is_exhausted(&ran.result));
        let again = again.into_iter().map(|(at, _)| at).collect();
        let later = self.filter_in(&self.0.slow, event, filters, again).await;
        for (at, ran) in done.into_iter().chain(at_once).chain(later) {
            results[at] = Some(ran);
        }
        let missing = || Ran { result: Err(unexpected()), micros: 0 };
        results.into_iter().map(|ran| ran.unwrap_or_else(missing)).collect()
    }

    /// Whether an event passes a filter that somebody tries: it is run however it went before.
    pub async fn try_filter(&self, event: &Event, filter: &str) -> Ran<bool> {
        let work = Work::Filter { event: event.clone(), filters: vec![filter.to_owned()] };
        let answer = self.run(filter, work, CHECK_WAIT).await;
        let result = match answer.told {
            Told::Passed(result) => result,
            Told::Checked(Err(fault)) | Told::Transformed(Err(fault)) => Err(fault),
            _ => Err(unexpected()),
        };
        Ran { result, micros: answer.micros }
    }

    /// Runs some of the filters in a lane. A child that ends takes the filter under way with it; the others go on in another.
    async fn filter_in(
        &self,
        lane: &Lane,
        event: &Event,
        filters: &[&str],
        mut left: Vec<usize>,
    ) -> Vec<(usize, Ran<bool>)> {
        let mut done = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let texts = left.iter().map(|at| filters[*at].to_owned()).collect();
            let work = Work::Filter { event: event.clone(), filters: texts };
            let place = lane.place(FILTER_WAIT).await;
            let (answers, fault) = self.exchange(lane, place, work).await;
            let answered = answers.len();
            for (at, answer) in left.drain(..answered.min(left.len())).zip(answers) {
                let result = match answer.told {
                    Told::Passed(result) => result,
                    _ => Err(unexpected()),
                };
                self.note(lane, filters[at], answer.processor_micros, result.as_ref().err());
                done.push((at, Ran { result, micros: answer.micros }));
            }
            let Some(fault) = fault else { break };
            let guilty = if fault.kind == FaultKind::Exhausted { 1 } else { left.len() };
            for at in left.drain(..guilty.min(left.len())) {
                self.note(lane, filters[at], 0, Some(&fault));
                done.push((at, Ran { result: Err(fault.clone()), micros: crate::RUN_MILLIS * 1_000 }));
            }
        }
        done
    }

    /// What a transformation makes of an event that goes to `url`.
    pub async fn transform(&self, event: &Event, url: &str, text: &str) -> Ran<Transformed> {
        let work = Work::Transform { event: event.clone(), url: url.to_owned(), text: text.to_owned() };
        let answer = self.run(text, work, ATTEMPT_WAIT).await;
        let result = match answer.told {
            Told::Transformed(result) => result,
            Told::Checked(Err(fault)) | Told::Passed(Err(fault)) => Err(fault),
            _ => Err(unexpected()),
        };
        Ran { result, micros: answer.micros }
    }

    /// Runs one program in the lane that its past suggests, and again in the slow one if it needs more time.
    async fn run(&self, text: &str, work: Work, wait: Duration) -> Answer {
        let is_slow = || self.0.history.lock().is_slow(text);
        if !is_slow() {
            let place = self.0.quick.place(wait).await;
            // While it waited for a place, another run of it may have shown that it is slow.
            if !is_slow() {
                let answer = self.run_in(&self.0.quick, place, text, work.clone()).await;
                if !answer.told.fault().is_some_and(|f| f.kind == FaultKind::Exhausted) {
                    return answer;
                }
            }
        }
        let place = self.0.slow.place(wait).await;
        self.run_in(&self.0.slow, place, text, work).await
    }

    async fn run_in(&self, lane: &Lane, place: Option<SemaphorePermit<'_>>, text: &str, work: Work) -> Answer {
        let (mut answers, fault) = self.exchange(lane, place, work).await;
        let answer = answers.pop().unwrap_or_else(|| {
            let fault = fault.unwrap_or_else(unexpected);
            let micros = if fault.kind == FaultKind::Exhausted { crate::RUN_MILLIS * 1_000 } else { 0 };
            Answer { told: Told::Checked(Err(fault)), micros, processor_micros: micros }
        });
        self.note(lane, text, answer.processor_micros, answer.told.fault());
        answer
    }

    /// Remembers how a run went. In the quick lane nobody has used up all of its time.
    fn note(&self, lane: &Lane, text: &str, processor_micros: u64, fault: Option<&Fault>) {
        let mut history = self.0.history.lock();
        if lane.millis < crate::RUN_MILLIS && fault.is_some_and(|f| f.kind == FaultKind::Exhausted) {
            history.note(text, crate::RUN_MILLIS * 1_000, None);
        } else {
            history.note(text, processor_micros, fault);
        }
    }

    /// The answers that came, and why there are no more.
    async fn exchange(
        &self,
        lane: &Lane,
        place: Option<SemaphorePermit<'_>>,
        work: Work,
    ) -> (Vec<Answer>, Option<Fault>) {
        let request = Request { work, millis: lane.millis };
        let Some(place) = place else {
            let message = "no place to run it became free in time: too many programs run for too long";
            return (Vec::new(), Some(Fault::new(FaultKind::NotRun, message)));
        };
        match &self.0.binary {
            Some(binary) => in_child(lane, binary, &request, &place).await,
            None => here(request).await,
        }
    }
}

async fn in_child(
    lane: &Lane,
    binary: &std::path::Path,
    request: &Request,
    _place: &SemaphorePermit<'_>,
) -> (Vec<Answer>, Option<Fault>) {
    loop {
        let waiting = lane.idle.lock().pop();
        let used = waiting.is_some();
        let child = match waiting.map_or_else(|| Child::start(binary), Ok) {
            Ok(child) => child,
            Err(error) => {
                let message = format!("programs cannot be run on this machine: {error}");
                return (Vec::new(), Some(Fault::new(FaultKind::NotRun, message)));
            }
        };
        let (answers, end) = child.exchange(request).await;
        match end {
            Ended::Well(child) => {
                lane.idle.lock().push(*child);
                return (answers, None);
            }
            // A child that waited may have died of something else; a new one tells.
            Ended::Gone(_) if used && answers.is_empty() => {}
            Ended::Gone(fault) | Ended::Stopped(fault) => return (answers, Some(fault)),
        }
    }
}

async fn here(request: Request) -> (Vec<Answer>, Option<Fault>) {
    const STACK: usize = 32 * 1024 * 1024;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let started = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let mut answers = Vec::new();
        let done = Programs::default().answer(request, None, &mut |answer| {
            answers.push(answer);
            Ok(())
        });
        let _ = sender.send(done.map(|()| answers));
    });
    match (started, receiver.await) {
        (Ok(_), Ok(Ok(answers))) => (answers, None),
        _ => (Vec::new(), Some(unexpected())),
    }
}

fn is_exhausted<T>(result: &Result<T, Fault>) -> bool {
    result.as_ref().is_err_and(|fault| fault.kind == FaultKind::Exhausted)
}

fn unexpected() -> Fault {
    Fault::failed("gave no result")
}
