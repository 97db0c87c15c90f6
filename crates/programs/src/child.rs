//! The child process: reads work from its standard input, runs programs, writes answers.
//!
//! It has no secrets (an empty environment), may open no file and start no process, gives slow programs a low priority, and a
//! watchdog ends it when a program goes on after its time. Its parent then starts another.

use crate::RUN_MILLIS;
use crate::fault::Fault;
use crate::filter::{self, Filters};
use crate::protocol::{self, Answer, Request, Told, Work};
use crate::transformation::{self, processor_micros};
use parking_lot::{Condvar, Mutex};
use rustix::process::{Resource, Rlimit, nice, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The exit code that says: the program went on after its time.
pub(crate) const RAN_TOO_LONG: i32 = 75;
/// How many times its processor time a run may use before it is ended from outside; QuickJS is asked to stop by itself
/// before.
const HARD: u64 = 2;
/// The same for reading an event, which is Kanca's own work and as long as the event.
const READING_MILLIS: u64 = 2_000;
/// How often the watchdog looks.
const LOOK: Duration = Duration::from_millis(10);
/// Stack of the thread that runs programs.
const STACK: usize = 64 * 1024 * 1024;
/// Address space, in bytes.
const SPACE: u64 = 1024 * 1024 * 1024;
/// How far the priority of slow programs is lowered. It is that of a thread: the watchdog keeps its own.
const NICENESS: i32 = 10;

/// Serves until the standard input ends. For the hidden command of the binary only: it changes the whole process.
///
/// # Errors
/// When the pipes break or no thread can be started.
pub fn serve() -> io::Result<()> {
    let watch = Arc::new(Watch::default());
    let (confined, go) = std::sync::mpsc::channel();
    let worker = {
        let watch = watch.clone();
        std::thread::Builder::new().name("programs".into()).stack_size(STACK).spawn(move || {
            // Not before the limits hold.
            let _ = go.recv();
            let served = work(&watch);
            std::process::exit(i32::from(served.is_err()));
        })?
    };
    confine();
    let _ = confined.send(());
    watch.keep(&worker);
    Ok(())
}

/// Takes away what a program could do harm with. Each is a second line of defence, so a refusal of the system is no end.
fn confine() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    for resource in [Resource::Core, Resource::Fsize, Resource::Nofile, Resource::Nproc] {
        let _ = setrlimit(resource, none);
    }
    let _ = setrlimit(Resource::As, Rlimit { current: Some(SPACE), maximum: Some(SPACE) });
}

fn work(watch: &Watch) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut programs = Programs::default();
    let mut is_lowered = false;
    while let Some(request) = protocol::read::<Request>(&mut input)? {
        if request.millis >= RUN_MILLIS && !is_lowered {
            is_lowered = true;
            let _ = nice(NICENESS);
        }
        programs.answer(request, Some(watch), &mut |answer| protocol::write(&mut output, &answer))?;
    }
    output.flush()
}

/// Runs programs; keeps parsed filters.
#[derive(Default)]
pub(crate) struct Programs(Filters);

impl Programs {
    /// Does one piece of work; `say` gets each answer.
    pub fn answer(
        &mut self,
        request: Request,
        watch: Option<&Watch>,
        say: &mut dyn FnMut(Answer) -> io::Result<()>,
    ) -> io::Result<()> {
        let Request { work, millis } = request;
        match work {
            Work::CheckFilter(text) => say(run(watch, millis, Told::Checked, || filter::parse(&text).map(|_| ()))),
            Work::CheckTransformation(text) => {
                say(run(watch, millis, Told::Checked, || transformation::check(&text, millis)))
            }
            Work::Transform { event, url, text } => {
                say(run(watch, millis, Told::Transformed, || transformation::run(&text, &event, &url, millis)))
            }
            Work::Filter { event, filters } => {
                let reading = watch.map(|w| w.start(READING_MILLIS));
                let context = filter::context(&event);
                drop(reading);
                for text in filters {
                    let judge = || filter::passes(&*self.0.get(&text)?, context.as_ref().map_err(Clone::clone)?);
                    say(run(watch, millis, Told::Passed, judge))?;
                }
                Ok(())
            }
        }
    }
}

/// Runs one program under the watchdog; a panic is its failure.
fn run<T>(
    watch: Option<&Watch>,
    millis: u64,
    told: impl FnOnce(Result<T, Fault>) -> Told,
    work: impl FnOnce() -> Result<T, Fault>,
) -> Answer {
    let (clock, before) = (Instant::now(), processor_micros());
    let watched = watch.map(|w| w.start(HARD * millis));
    let result = catch_unwind(AssertUnwindSafe(work));
    drop(watched);
    let result = result.unwrap_or_else(|_| Err(Fault::failed("brought the interpreter to a halt")));
    Answer {
        told: told(result),
        micros: u64::try_from(clock.elapsed().as_micros()).unwrap_or(u64::MAX),
        processor_micros: processor_micros() - before,
    }
}

/// The run under way: the processor time of this process at which it must have ended.
#[derive(Default)]
pub(crate) struct Watch {
    end: Mutex<Option<u64>>,
    started: Condvar,
}

/// A run under way.
struct Watched<'a>(&'a Watch);

impl Watch {
    fn start(&self, millis: u64) -> Watched<'_> {
        *self.end.lock() = Some(processor_millis() + millis);
        self.started.notify_one();
        Watched(self)
    }

    /// Ends the process when a run goes on for too long; returns when the worker has gone.
    fn keep(&self, worker: &std::thread::JoinHandle<()>) {
        while !worker.is_finished() {
            let mut end = self.end.lock();
            while end.is_none() {
                self.started.wait(&mut end);
            }
            if end.is_some_and(|end| processor_millis() > end) {
                std::process::exit(RAN_TOO_LONG);
            }
            drop(end);
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        *self.0.end.lock() = None;
    }
}

fn processor_millis() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec * 1_000 + time.tv_nsec / 1_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::fault::FaultKind;

    #[test]
    fn time_on_the_clock_is_not_held_against_a_program() {
        let waited = Duration::from_millis(2 * RUN_MILLIS);
        let answer = run(None, RUN_MILLIS, Told::Passed, || {
            std::thread::sleep(waited);
            Ok(true)
        });
        assert!(matches!(answer.told, Told::Passed(Ok(true))));
        assert!(Duration::from_micros(answer.micros) >= waited, "{answer:?}");
        assert!(answer.processor_micros < 10_000, "{answer:?}");
    }

    #[test]
    fn an_endless_program_gets_the_processor_time_that_it_may_have_and_no_more() {
        let event = Event::new("evt_1".into(), "a", "2026-03-04T05:06:07Z", None, "1").unwrap();
        for millis in [10, RUN_MILLIS] {
            let answer = run(None, millis, Told::Transformed, || {
                transformation::run("function transform() { while (true) {} }", &event, "https://a.b/", millis)
            });
            assert_eq!(answer.told.fault().unwrap().kind, FaultKind::Exhausted);
            assert!((millis * 1_000..2 * millis * 1_000 + 20_000).contains(&answer.processor_micros), "{answer:?}");
        }
    }
}
