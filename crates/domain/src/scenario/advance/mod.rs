//! The runtime: one input, the next state, the effects.
//!
//! [`advance`] is pure and iterative. A path is walked block by block until it waits, stops or ends; at most
//! [`BLOCKS_PER_INPUT`] blocks are entered before default otherwise takes over with a visible error, and as many again
//! before the path is stopped for good.

mod enter;
mod message;
mod webhook;

use super::attributes::put;
use super::blocks::BlockKind;
use super::compiled::Scenario;
use super::exchange::{Effect, Input, TimerKind};
use super::limits::TEXT_CHARS;
use super::state::{Detour, DetourKind, State, Wait};
use super::{template, text};
use serde_json::{Map, Value};

/// Blocks that one input may enter before the runtime takes them for a loop.
pub const BLOCKS_PER_INPUT: usize = 200;

/// Carries a conversation one input further.
///
/// Inputs that do not apply are ignored: anything after the end, stale calls and timers, a second start. A message
/// given while the state is busy changes nothing and gives the error effect `busy`; the engine keeps messages back.
pub fn advance(scenario: &Scenario, state: State, input: Input) -> (State, Vec<Effect>) {
    if state.ended {
        return (state, Vec::new());
    }
    let mut run = Run { scenario, state, effects: Vec::new(), left: BLOCKS_PER_INPUT, ran_away: false };
    let applied = match input {
        Input::Start { attributes } => run.start(attributes),
        Input::Message { text, choice } => run.message(&text, choice.as_ref()),
        Input::Answer { call, outcome } => run.answer(call, outcome),
        Input::Timer { token } => run.timer(token),
        Input::SetAttributes { attributes } => {
            run.assign(attributes);
            false
        }
    };
    if applied {
        run.watch_silence();
    }
    (run.state, run.effects)
}

struct Run<'a> {
    scenario: &'a Scenario,
    state: State,
    effects: Vec<Effect>,
    /// Blocks that may still be entered.
    left: usize,
    ran_away: bool,
}

/// What comes next on a path.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// The block of this index.
    Enter(usize),
    /// Nothing: the path ends here.
    Stop,
    /// The state says what the path waits for, or that the conversation has ended.
    Rest,
}

impl Run<'_> {
    fn start(&mut self, attributes: Map<String, Value>) -> bool {
        if self.state.started {
            return false;
        }
        self.state.started = true;
        self.state.armed = true;
        for declared in &self.scenario.document().attributes {
            if let Some(default) = &declared.default {
                let _ = put(&mut self.state.attributes, &declared.name, default.clone());
            }
        }
        self.assign(attributes);
        let step = self.scenario.start.map_or(Step::Stop, Step::Enter);
        self.walk(step);
        true
    }

    fn timer(&mut self, token: u64) -> bool {
        match &self.state.wait {
            Wait::Timer { block, token: awaited, message } if *awaited == token => {
                let (index, message) = (self.scenario.index(block), *message);
                self.state.wait = Wait::Nothing;
                let step = index.map_or(Step::Stop, |index| self.say_messages(index, message, true));
                self.walk(step);
                true
            }
            _ if self.state.silence == Some(token) => {
                self.silence();
                true
            }
            _ => false,
        }
    }

    /// The visitor has been silent for long enough.
    fn silence(&mut self) {
        self.state.silence = None;
        self.state.armed = false;
        let Some(timeout) = self.scenario.timeout else { return };
        self.effects.push(Effect::Idle { block: self.scenario.at(timeout).id.clone() });
        let back = self.waiting_block();
        self.state.detour = Some(Detour { kind: DetourKind::Timeout, back });
        self.walk(Step::Enter(timeout));
    }

    /// Lets the silence count from now, if the bot is at rest and the visitor has written since it last counted.
    fn watch_silence(&mut self) {
        self.state.silence = None;
        let Some(timeout) = self.scenario.timeout else { return };
        let BlockKind::DefaultTimeout(timeout) = &self.scenario.at(timeout).kind else { return };
        if self.state.armed && !self.state.ended && !self.state.is_busy() {
            let token = self.number();
            self.state.silence = Some(token);
            self.effects.push(Effect::StartTimer { token, after_ms: timeout.after_ms, kind: TimerKind::Silence });
        }
    }

    /// Walks a path to its next rest.
    fn walk(&mut self, mut step: Step) {
        loop {
            step = match step {
                Step::Enter(index) => self.enter(index),
                Step::Stop => return self.settle(),
                Step::Rest => return,
            }
        }
    }

    /// A path has ended without a block that waits: a default path returns, any other leaves the conversation idle.
    fn settle(&mut self) {
        let back = self.state.detour.take().and_then(|detour| detour.back);
        self.state.wait = back.map_or(Wait::Nothing, |block| Wait::Visitor { block });
    }

    fn follow(&self, index: usize, port: &str) -> Step {
        self.scenario.behind(index, port).map_or(Step::Stop, Step::Enter)
    }

    /// Default otherwise, which returns to `back`. `None` if there is none that says or does anything.
    fn otherwise(&mut self, back: Option<String>) -> Option<Step> {
        let index = self.scenario.otherwise?;
        self.scenario.behind(index, "next")?;
        let back = self.state.detour.take().map_or(back, |detour| detour.back);
        self.state.detour = Some(Detour { kind: DetourKind::Otherwise, back });
        Some(Step::Enter(index))
    }

    /// The way on from a port of failure: its edge, else default otherwise (unless the conversation is there already).
    fn fail(&mut self, index: usize, port: &str) -> Step {
        if let Some(next) = self.scenario.behind(index, port) {
            return Step::Enter(next);
        }
        if self.state.detour.as_ref().is_some_and(|detour| detour.kind == DetourKind::Otherwise) {
            return Step::Stop;
        }
        self.otherwise(None).unwrap_or(Step::Stop)
    }

    fn wait_for_visitor(&mut self, index: usize) -> Step {
        self.state.detour = None;
        self.state.wait = Wait::Visitor { block: self.scenario.at(index).id.clone() };
        Step::Rest
    }

    fn finish(&mut self) -> Step {
        self.state.ended = true;
        self.state.wait = Wait::Nothing;
        self.state.detour = None;
        self.state.silence = None;
        self.effects.push(Effect::End);
        Step::Rest
    }

    /// Sets attributes and reports the changed ones.
    fn assign(&mut self, attributes: Map<String, Value>) {
        let mut names = Vec::new();
        for (name, value) in attributes {
            if self.put(&name, value) {
                names.push(name);
            }
        }
        self.report_assigned(names);
    }

    /// Sets one attribute; whether it changed. What may not be set becomes a note.
    fn put(&mut self, name: &str, value: Value) -> bool {
        put(&mut self.state.attributes, name, value).unwrap_or_else(|reason| {
            self.error("attribute_refused", format!("An attribute was not set: {reason}."), None);
            false
        })
    }

    fn report_assigned(&mut self, names: Vec<String>) {
        if !names.is_empty() {
            self.effects.push(Effect::Assigned { names });
        }
    }

    /// Says a template; an empty text is not said.
    fn say(&mut self, index: usize, template: &str) {
        let text = self.render(template);
        if !text.trim().is_empty() {
            self.effects.push(Effect::Say { block: self.scenario.at(index).id.clone(), text });
        }
    }

    fn render(&self, template: &str) -> String {
        text::plain(&template::render(template, &self.state.attributes, TEXT_CHARS))
    }

    fn error(&mut self, code: &str, message: impl Into<String>, block: Option<usize>) {
        let block = block.map(|index| self.scenario.at(index).id.clone());
        self.effects.push(Effect::Error { code: code.to_owned(), message: message.into(), block });
    }

    fn number(&mut self) -> u64 {
        self.state.sequence += 1;
        self.state.sequence
    }

    /// The block that waits for the visitor.
    fn waiting_block(&self) -> Option<String> {
        match &self.state.wait {
            Wait::Visitor { block } => Some(block.clone()),
            _ => None,
        }
    }
}
