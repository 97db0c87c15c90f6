//! A JavaScript machine for one run: limits, prelude, and failures put into words.

use crate::MEMORY;
use crate::fault::{Fault, FaultKind};
use rquickjs::context::EvalOptions;
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Function, Object, Runtime, Value};
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::rc::Rc;

/// The name of the program in stack traces.
const FILE: &str = "transformation.js";
/// Bytes of stack.
const STACK: usize = 512 * 1024;

/// A context in a runtime of its own, with its limits.
pub(super) struct Machine {
    context: Context,
    stopped: Rc<Cell<bool>>,
}

/// What may be done inside a run.
pub(super) struct Inside<'js> {
    pub ctx: Ctx<'js>,
    well_formed: Function<'js>,
    stopped: Rc<Cell<bool>>,
    /// Whether the program throws anything but new errors.
    throws_values: Cell<bool>,
}

impl Machine {
    /// A machine for an event of that many bytes and a run of that much processor time.
    pub fn new(event: usize, millis: u64) -> Result<Self, Fault> {
        let failed = |error: rquickjs::Error| Fault::failed(format!("JavaScript could not start: {error}"));
        let runtime = Runtime::new().map_err(failed)?;
        runtime.set_memory_limit(MEMORY + 16 * event);
        runtime.set_max_stack_size(STACK);
        let stopped = Rc::new(Cell::new(false));
        let (flag, end) = (stopped.clone(), processor_micros() + millis * 1_000);
        runtime.set_interrupt_handler(Some(Box::new(move || {
            flag.set(flag.get() || processor_micros() > end);
            flag.get()
        })));
        let context = Context::full(&runtime).map_err(failed)?;
        Ok(Self { context, stopped })
    }

    /// Runs something inside, with the clock standing at `now` (milliseconds since 1970).
    pub fn run<T>(self, now: f64, seed: u32, work: impl FnOnce(&Inside<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        self.context.with(|ctx| {
            let prelude: Function = ctx
                .eval(include_str!("prelude.js"))
                .map_err(|error| Fault::failed(format!("JavaScript could not start: {error}")))?;
            let well_formed = prelude
                .call((now, f64::from(seed)))
                .map_err(|error| Fault::failed(format!("JavaScript could not start: {error}")))?;
            let (stopped, throws_values) = (self.stopped.clone(), Cell::new(false));
            work(&Inside { ctx, well_formed, stopped, throws_values })
        })
    }
}

impl<'js> Inside<'js> {
    /// Runs the program's text and gives its function `transform`.
    pub fn load(&self, text: &str) -> Result<Function<'js>, Fault> {
        self.throws_values.set(text.split("throw").skip(1).any(|thrown| !thrown.trim_start().starts_with("new ")));
        let mut options = EvalOptions::default();
        options.strict = false;
        options.filename = Some(FILE.to_owned());
        self.told(self.ctx.eval_with_options::<(), _>(text, options))?;
        // A `const transform = …` is no property of the global object, so it is asked for by name.
        let found: Value = self.told(self.ctx.eval("typeof transform === 'undefined' ? undefined : transform"))?;
        found.into_function().ok_or_else(|| {
            Fault::new(FaultKind::Syntax, "there is no function “transform”; write function transform(event) { … }")
        })
    }

    /// Refuses an `async function` or `function*`, which would give a promise or an iterator.
    pub fn is_ordinary(&self) -> Result<(), Fault> {
        let asked =
            "[async () => {}, function* () {}, async function* () {}].some((f) => transform instanceof f.constructor)";
        if self.told(self.ctx.eval::<bool, _>(asked))? {
            let message =
                "“transform” must be an ordinary function, neither async nor function*: there is nothing to wait for";
            return Err(Fault::new(FaultKind::Syntax, message));
        }
        Ok(())
    }

    /// `transform(event)`.
    pub fn call(&self, transform: &Function<'js>, input: String) -> Result<Value<'js>, Fault> {
        let event = self.told(self.ctx.json_parse(input))?;
        self.told(transform.call((event,)))
    }

    /// A value as JSON text; `None` when JSON has no word for it (a function, `undefined`).
    pub fn json(&self, value: Value<'js>) -> Result<Option<String>, Fault> {
        let written = self.told(self.ctx.json_stringify(value))?;
        written.map(|text| self.told(text.to_string())).transpose()
    }

    /// A string with halves of characters replaced by U+FFFD, as an encoder would. No other way leads from JavaScript to
    /// Rust: the bindings take the bytes of a lone half for UTF-8.
    pub fn text(&self, value: Value<'js>) -> Result<String, Fault> {
        self.told(self.well_formed.call::<_, String>((value,)))
    }

    /// A result, with what was thrown put into words.
    pub fn told<T>(&self, result: rquickjs::Result<T>) -> Result<T, Fault> {
        result.catch(&self.ctx).map_err(|caught| self.words(&caught))
    }

    fn words(&self, caught: &CaughtError<'js>) -> Fault {
        let (fault, stack) = match caught {
            CaughtError::Exception(exception) => {
                let property = |name| self.property(exception.as_object(), name);
                (exception_words(&property("name"), &property("message")), property("stack"))
            }
            // `null` is what QuickJS throws when there is no memory left for an error.
            CaughtError::Value(value) if value.is_null() => {
                let perhaps = if self.throws_values.get() { "threw null, or " } else { "" };
                (out_of_memory(perhaps), String::new())
            }
            CaughtError::Value(value) => (Fault::failed(format!("threw {}", self.shown(value))), String::new()),
            CaughtError::Error(error) => (Fault::failed(error.to_string()), String::new()),
        };
        // Looking at what was thrown may run the program again: getters, toJSON.
        let fault = if self.stopped.get() { Fault::ran_too_long() } else { fault };
        fault.at(place(&stack))
    }

    /// A property of an error as text; empty when it is none.
    fn property(&self, object: &Object<'js>, name: &str) -> String {
        let value = object.get::<_, Value>(name).catch(&self.ctx).ok().filter(Value::is_string);
        value.and_then(|value| self.well_formed.call((value,)).catch(&self.ctx).ok()).unwrap_or_default()
    }

    fn shown(&self, value: &Value<'js>) -> String {
        let text = if value.is_string() {
            self.well_formed.call((value.clone(),)).catch(&self.ctx).ok()
        } else {
            let written = self.ctx.json_stringify(value.clone()).catch(&self.ctx).ok().flatten();
            written.and_then(|text| text.to_string().ok())
        };
        text.unwrap_or_else(|| format!("a value of type {}", value.type_name()))
    }
}

fn out_of_memory(perhaps: &str) -> Fault {
    let most = MEMORY >> 20;
    let message = format!("{perhaps}needed more memory than the {most} MiB it may use; keep less at a time");
    Fault::new(FaultKind::Exhausted, message)
}

fn exception_words(name: &str, message: &str) -> Fault {
    if message == "out of memory" {
        return out_of_memory("");
    }
    let kind = if name == "SyntaxError" { FaultKind::Syntax } else { FaultKind::Failed };
    match (name, message) {
        ("", "") => Fault::new(kind, "threw an error without a message"),
        ("", only) | (only, "") => Fault::new(kind, only),
        _ => Fault::new(kind, format!("{name}: {message}")),
    }
}

/// The first place in the program that a stack trace names.
fn place(stack: &str) -> Option<(u32, u32)> {
    let rest = stack.split_once(&format!("{FILE}:"))?.1;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let line = numbers.next()?.ok()?;
    Some((line, numbers.next().and_then(Result::ok).unwrap_or(1)))
}

/// Processor time that this thread has used.
pub(crate) fn processor_micros() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000).unwrap_or(u64::MAX)
}
