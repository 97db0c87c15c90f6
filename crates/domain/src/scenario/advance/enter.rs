//! What each kind of block does when a path reaches it.

use super::{BLOCKS_PER_INPUT, Run, Step};
use crate::scenario::blocks::{BlockKind, Choice, Question, SetAttribute, Validation};
use crate::scenario::condition;
use crate::scenario::exchange::{ChoiceStyle, Effect, OfferedChoice, TimerKind};
use crate::scenario::state::Wait;
use crate::scenario::template;
use serde_json::Value;

impl Run<'_> {
    pub(super) fn enter(&mut self, index: usize) -> Step {
        if self.left == 0 {
            return self.run_away(index);
        }
        self.left -= 1;
        let scenario = self.scenario;
        let block = scenario.at(index);
        self.state.block = Some(block.id.clone());
        self.state.wait = Wait::Nothing;
        self.effects.push(Effect::Enter { block: block.id.clone() });
        match &block.kind {
            BlockKind::Start {} | BlockKind::DefaultOtherwise {} | BlockKind::DefaultTimeout(_) => {
                self.follow(index, "next")
            }
            BlockKind::Text(_) => self.say_messages(index, 0, false),
            BlockKind::Question(question) => {
                self.state.refused = 0;
                self.ask_question(index, question)
            }
            BlockKind::Buttons(buttons) => self.offer(index, &buttons.text, &buttons.choices, ChoiceStyle::Buttons),
            BlockKind::QuickReplies(replies) => {
                self.offer(index, &replies.text, &replies.choices, ChoiceStyle::QuickReplies)
            }
            BlockKind::Condition(condition) => {
                let holds = condition::holds(condition, &self.state.attributes);
                self.follow(index, if holds { "true" } else { "false" })
            }
            BlockKind::SetAttribute(set) => self.set_attributes(index, set),
            BlockKind::UserInput(_) => self.wait_for_visitor(index),
            BlockKind::Webhook(webhook) => self.call(index, webhook),
            BlockKind::GoTo(go_to) => {
                let target = go_to.target.as_deref().and_then(|target| scenario.index(target));
                if target.is_none() {
                    let message = "The block to go to is not in this scenario; choose one.";
                    self.error("missing_target", message, Some(index));
                }
                target.map_or(Step::Stop, Step::Enter)
            }
            BlockKind::End(end) => {
                self.say(index, end.text.as_deref().unwrap_or_default());
                self.finish()
            }
        }
    }

    /// Too many blocks for one input: default otherwise the first time, a full stop the second time.
    fn run_away(&mut self, index: usize) -> Step {
        if self.ran_away {
            self.error(
                "too_many_blocks",
                "Default otherwise went through too many blocks as well; the path was stopped. Look for a loop.",
                Some(index),
            );
            self.state.detour = None;
            return Step::Stop;
        }
        self.ran_away = true;
        self.left = BLOCKS_PER_INPUT;
        self.error(
            "too_many_blocks",
            format!("The path went through more than {BLOCKS_PER_INPUT} blocks without waiting. Look for a loop."),
            Some(index),
        );
        self.otherwise(None).unwrap_or(Step::Stop)
    }

    /// Says the messages of a text block from number `from` on. A delay before one is a rest, unless it is just over.
    pub(super) fn say_messages(&mut self, index: usize, from: usize, delay_is_over: bool) -> Step {
        let BlockKind::Text(block) = &self.scenario.at(index).kind else { return Step::Stop };
        for (number, message) in block.messages.iter().enumerate().skip(from) {
            if message.delay_ms > 0 && !(delay_is_over && number == from) {
                let token = self.number();
                self.effects.push(Effect::StartTimer { token, after_ms: message.delay_ms, kind: TimerKind::Delay });
                self.state.wait = Wait::Timer { block: self.scenario.at(index).id.clone(), token, message: number };
                return Step::Rest;
            }
            self.say(index, &message.text);
        }
        self.follow(index, "next")
    }

    /// Asks in the next wording.
    pub(super) fn ask_question(&mut self, index: usize, question: &Question) -> Step {
        let mut wording = &question.text;
        if !question.variants.is_empty() {
            let asked = self.state.asked.entry(self.scenario.at(index).id.clone()).or_default();
            let turn = *asked as usize % (question.variants.len() + 1);
            *asked = asked.wrapping_add(1);
            wording = turn.checked_sub(1).map_or(wording, |variant| &question.variants[variant]);
        }
        self.ask(index, question, wording)
    }

    pub(super) fn ask(&mut self, index: usize, question: &Question, wording: &str) -> Step {
        let choices = match question.validate.kind {
            Validation::Choice => &question.validate.choices[..],
            _ => &[],
        };
        let choices = choices.iter().enumerate();
        let choices =
            choices.map(|(n, label)| OfferedChoice { id: (n + 1).to_string(), label: label.clone(), url: None });
        self.effects.push(Effect::Ask {
            block: self.scenario.at(index).id.clone(),
            text: self.render(wording),
            choices: choices.collect(),
            style: ChoiceStyle::QuickReplies,
        });
        self.wait_for_visitor(index)
    }

    fn offer(&mut self, index: usize, text: &str, choices: &[Choice], style: ChoiceStyle) -> Step {
        let choices = choices.iter().map(|choice| OfferedChoice {
            id: choice.id.clone(),
            label: choice.label.clone(),
            url: choice.url.clone(),
        });
        self.effects.push(Effect::Ask {
            block: self.scenario.at(index).id.clone(),
            text: self.render(text),
            choices: choices.collect(),
            style,
        });
        self.wait_for_visitor(index)
    }

    fn set_attributes(&mut self, index: usize, set: &SetAttribute) -> Step {
        let mut names: Vec<String> = Vec::new();
        for assignment in &set.assignments {
            let value = match template::lone_attribute(&assignment.value) {
                Some(name) => self.state.attributes.get(name).cloned().unwrap_or_else(|| Value::String(String::new())),
                None => Value::String(self.render(&assignment.value)),
            };
            if self.put(&assignment.attribute, value) && !names.contains(&assignment.attribute) {
                names.push(assignment.attribute.clone());
            }
        }
        self.report_assigned(names);
        self.follow(index, "next")
    }
}
