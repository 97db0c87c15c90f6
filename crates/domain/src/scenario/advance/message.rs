//! What a visitor's message does.
//!
//! The order: a click on buttons shown earlier, the waiting block's own match, user inputs that listen anywhere, the
//! waiting block's way out for what it does not understand (asking again, `failed`, `other`), default otherwise.
//! If nothing takes the message the conversation stays where it is and the message is reported as unanswered.

use super::{Run, Step};
use crate::scenario::answers;
use crate::scenario::blocks::{BlockKind, Choice, Question, Validation};
use crate::scenario::exchange::{ChoiceRef, Effect};
use crate::scenario::keywords::Words;
use crate::scenario::text::same;
use serde_json::Value;

impl Run<'_> {
    pub(super) fn message(&mut self, text: &str, choice: Option<&ChoiceRef>) -> bool {
        if self.state.is_busy() {
            self.error("busy", "A message came while the bot was busy; it has to be given again afterwards.", None);
            return false;
        }
        self.state.armed = true;
        self.state.attributes.insert("message".to_owned(), text.into());
        match self.understand(text, choice) {
            Some(step) => self.walk(step),
            None => self.effects.push(Effect::Unanswered { text: text.to_owned() }),
        }
        true
    }

    fn understand(&mut self, text: &str, choice: Option<&ChoiceRef>) -> Option<Step> {
        let waiting = self.waiting_block();
        let index = waiting.as_deref().and_then(|block| self.scenario.index(block));
        if let Some((buttons, port)) = choice.and_then(|choice| self.earlier_buttons(choice, waiting.as_deref())) {
            // A click without a way on does not disturb the block that waits now.
            return self.scenario.behind(buttons, &port).map(Step::Enter);
        }
        let words = Words::new(text);
        if let Some(step) = index.and_then(|index| self.own_match(index, text, choice, &words)) {
            return Some(step);
        }
        if let Some(step) = self.listen_anywhere(&words) {
            return Some(step);
        }
        if let Some(step) = index.and_then(|index| self.not_understood(index)) {
            return Some(step);
        }
        self.otherwise(waiting)
    }

    /// The block and port of a click on a buttons block that is not the waiting one.
    fn earlier_buttons(&self, choice: &ChoiceRef, waiting: Option<&str>) -> Option<(usize, String)> {
        if waiting == Some(choice.block.as_str()) {
            return None;
        }
        let index = self.scenario.index(&choice.block)?;
        let BlockKind::Buttons(buttons) = &self.scenario.at(index).kind else { return None };
        let chosen = buttons.choices.iter().find(|button| button.id == choice.choice && button.url.is_none())?;
        Some((index, format!("choice:{}", chosen.id)))
    }

    fn own_match(&mut self, index: usize, text: &str, choice: Option<&ChoiceRef>, words: &Words) -> Option<Step> {
        let scenario = self.scenario;
        let block = scenario.at(index);
        let clicked = choice.filter(|choice| choice.block == block.id).map(|choice| choice.choice.as_str());
        match &block.kind {
            BlockKind::Question(question) => self.answer_question(index, question, text, clicked),
            BlockKind::Buttons(buttons) => {
                let chosen = chosen(&buttons.choices, text, clicked)?;
                Some(self.follow(index, &format!("choice:{}", chosen.id)))
            }
            BlockKind::QuickReplies(replies) => {
                let chosen = chosen(&replies.choices, text, clicked)?;
                self.store(replies.attribute.as_deref(), chosen.label.clone().into());
                Some(self.follow(index, &format!("choice:{}", chosen.id)))
            }
            BlockKind::UserInput(_) => self.listen(index, words),
            _ => None,
        }
    }

    fn answer_question(
        &mut self,
        index: usize,
        question: &Question,
        text: &str,
        clicked: Option<&str>,
    ) -> Option<Step> {
        // A question's choices are offered under their numbers.
        let number = clicked.filter(|_| question.validate.kind == Validation::Choice);
        let value = number
            .and_then(|number| answers::accept(&question.validate, number))
            .or_else(|| answers::accept(&question.validate, text))?;
        self.state.refused = 0;
        self.store(question.attribute.as_deref(), value);
        Some(self.follow(index, "answered"))
    }

    /// Keeps an answer in the attribute that the block names, if it names one.
    fn store(&mut self, attribute: Option<&str>, value: Value) {
        if let Some(name) = attribute.filter(|name| !name.is_empty())
            && self.put(name, value)
        {
            self.report_assigned(vec![name.to_owned()]);
        }
    }

    fn listen_anywhere(&mut self, words: &Words) -> Option<Step> {
        let scenario = self.scenario;
        scenario.anywhere.iter().find_map(|index| self.listen(*index, words))
    }

    fn listen(&mut self, index: usize, words: &Words) -> Option<Step> {
        let (branch, keyword) = self.scenario.recognise(index, words)?;
        let step = self.follow(index, &format!("branch:{branch}"));
        self.effects.push(Effect::Keyword {
            block: self.scenario.at(index).id.clone(),
            branch: branch.to_owned(),
            keyword: keyword.to_owned(),
        });
        Some(step)
    }

    /// The waiting block's own way out for what it does not understand.
    fn not_understood(&mut self, index: usize) -> Option<Step> {
        let scenario = self.scenario;
        match &scenario.at(index).kind {
            BlockKind::Question(question) => {
                self.state.refused = self.state.refused.saturating_add(1);
                if question.attempts.is_some_and(|attempts| self.state.refused >= attempts) {
                    self.state.refused = 0;
                    return Some(self.fail(index, "failed"));
                }
                Some(match &question.retry_text {
                    Some(text) if !text.trim().is_empty() => self.ask(index, question, text),
                    _ => self.ask_question(index, question),
                })
            }
            _ => scenario.behind(index, "other").map(Step::Enter),
        }
    }
}

/// The clicked choice, else the one whose label was typed. A choice that opens an address is no answer.
fn chosen<'a>(choices: &'a [Choice], text: &str, clicked: Option<&str>) -> Option<&'a Choice> {
    let answers = || choices.iter().filter(|choice| choice.url.is_none());
    answers()
        .find(|choice| clicked == Some(choice.id.as_str()))
        .or_else(|| answers().find(|choice| same(&choice.label, text)))
}
