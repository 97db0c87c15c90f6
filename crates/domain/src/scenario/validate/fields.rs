//! Problems of a block's own fields.

use crate::ids::EndpointId;
use crate::scenario::blocks::{Block, BlockKind, Check, Choice, Operator, UserInput, Validation, Webhook};
use crate::scenario::path::Path;
use crate::scenario::problem::{Code, Problem};
use crate::scenario::text::fold;
use std::collections::HashSet;

pub(super) fn check(block: &Block, known: &dyn Fn(EndpointId) -> bool, problems: &mut Vec<Problem>) {
    let mut fields = Fields { id: &block.id, problems };
    match &block.kind {
        BlockKind::Text(text) => {
            if text.messages.is_empty() {
                fields.empty("messages");
            }
            for (index, message) in text.messages.iter().enumerate() {
                fields.text(&format!("messages/{index}/text"), &message.text);
            }
        }
        BlockKind::Question(question) => {
            fields.text("text", &question.text);
            for (index, variant) in question.variants.iter().enumerate() {
                fields.text(&format!("variants/{index}"), variant);
            }
            fields.answers(&question.validate);
        }
        BlockKind::Buttons(buttons) => {
            fields.text("text", &buttons.text);
            fields.choices(&buttons.choices);
        }
        BlockKind::QuickReplies(replies) => {
            fields.text("text", &replies.text);
            fields.choices(&replies.choices);
        }
        BlockKind::Condition(condition) => {
            if condition.groups.is_empty() {
                fields.empty_condition("groups".into());
            }
            for (index, group) in condition.groups.iter().enumerate() {
                if group.rules.is_empty() {
                    fields.empty_condition(format!("groups/{index}/rules"));
                }
                for (rule_index, rule) in group.rules.iter().enumerate() {
                    let compares = !matches!(rule.operator, Operator::IsEmpty | Operator::IsNotEmpty);
                    if compares && rule.value.as_deref().unwrap_or_default().trim().is_empty() {
                        let message = "Say what to compare with, or choose “is empty”.";
                        let field = format!("groups/{index}/rules/{rule_index}/value");
                        fields.push(Problem::new(Code::EmptyText, message).field(field).warning());
                    }
                }
            }
        }
        BlockKind::SetAttribute(set) => {
            if set.assignments.is_empty() {
                fields.empty("assignments");
            }
        }
        BlockKind::UserInput(input) => fields.branches(input),
        BlockKind::Webhook(webhook) => fields.webhook(webhook, known),
        BlockKind::Start {}
        | BlockKind::GoTo(_)
        | BlockKind::DefaultOtherwise {}
        | BlockKind::DefaultTimeout(_)
        | BlockKind::End(_) => {}
    }
}

struct Fields<'a> {
    id: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl Fields<'_> {
    fn push(&mut self, problem: Problem) {
        self.problems.push(problem.block(self.id));
    }

    fn text(&mut self, field: &str, text: &str) {
        if text.trim().is_empty() {
            self.empty(field);
        }
    }

    fn empty(&mut self, field: &str) {
        let message = match field {
            "messages" => "Add at least one message.",
            "assignments" => "Choose at least one attribute to set.",
            _ => "Write a text here.",
        };
        self.push(Problem::new(Code::EmptyText, message).field(field));
    }

    fn empty_condition(&mut self, field: String) {
        self.push(Problem::new(Code::EmptyBranch, "Add at least one rule.").field(field));
    }

    fn duplicate(&mut self, field: String, what: &str) {
        let message = format!("“{what}” stands here twice; change or remove one.");
        self.push(Problem::new(Code::DuplicateChoice, message).field(field).param("choice", what));
    }

    fn choices(&mut self, choices: &[Choice]) {
        if choices.is_empty() {
            self.push(Problem::new(Code::EmptyChoices, "Add at least one choice.").field("choices"));
        }
        let (mut ids, mut labels) = (HashSet::new(), HashSet::new());
        for (index, choice) in choices.iter().enumerate() {
            self.text(&format!("choices/{index}/label"), &choice.label);
            if !ids.insert(&choice.id) {
                self.duplicate(format!("choices/{index}/id"), &choice.id);
            } else if !choice.label.trim().is_empty() && !labels.insert(fold(choice.label.trim())) {
                self.duplicate(format!("choices/{index}/label"), &choice.label);
            }
            if choice.url.as_deref().is_some_and(|url| !is_web_address(url)) {
                let message = "Write a whole address that begins with https:// or http://.";
                let field = format!("choices/{index}/url");
                let url = choice.url.as_deref().unwrap_or_default();
                self.push(Problem::new(Code::InvalidUrl, message).field(field).param("url", url));
            }
        }
    }

    fn answers(&mut self, check: &Check) {
        if let (Some(min), Some(max)) = (check.min, check.max)
            && min > max
        {
            let message = "The least accepted value is above the greatest; exchange them.";
            let problem = Problem::new(Code::InvalidLimits, message).field("validate/min");
            self.push(problem.param("min", min).param("max", max));
        }
        if check.kind != Validation::Choice {
            return;
        }
        if check.choices.is_empty() {
            self.push(Problem::new(Code::EmptyChoices, "Add at least one accepted answer.").field("validate/choices"));
        }
        let mut seen = HashSet::new();
        for (index, choice) in check.choices.iter().enumerate() {
            let field = format!("validate/choices/{index}");
            self.text(&field, choice);
            if !choice.trim().is_empty() && !seen.insert(fold(choice.trim())) {
                self.duplicate(field, choice);
            }
        }
    }

    fn branches(&mut self, input: &UserInput) {
        if input.branches.is_empty() {
            self.push(Problem::new(Code::EmptyChoices, "Add at least one branch.").field("branches"));
        }
        let mut ids = HashSet::new();
        for (index, branch) in input.branches.iter().enumerate() {
            if !ids.insert(&branch.id) {
                self.duplicate(format!("branches/{index}/id"), &branch.id);
            }
            let mut patterns = branch.keywords.iter().chain(&branch.phrases);
            if patterns.all(|pattern| pattern.trim().is_empty()) {
                let message = "Write at least one keyword or phrase for this branch.";
                let problem = Problem::new(Code::EmptyBranch, message).field(format!("branches/{index}"));
                self.push(problem.param("branch", branch.label.as_deref().unwrap_or(&branch.id)));
            }
        }
    }

    fn webhook(&mut self, webhook: &Webhook, known: &dyn Fn(EndpointId) -> bool) {
        match webhook.endpoint_id {
            None => {
                let message = "Choose the webhook that this block calls.";
                self.push(Problem::new(Code::NoWebhookChosen, message).field("endpoint_id"));
            }
            Some(endpoint) if !known(endpoint) => {
                let message = "This webhook no longer exists; choose another one.";
                let problem = Problem::new(Code::UnknownWebhook, message).field("endpoint_id");
                self.push(problem.param("endpoint_id", endpoint.to_string()));
            }
            Some(_) => {}
        }
        for (index, mapping) in webhook.mappings.iter().enumerate() {
            if Path::parse(&mapping.path).is_none() {
                let message = "Write a path such as $.order.status or $.items[0].name.";
                let problem = Problem::new(Code::InvalidPath, message).field(format!("mappings/{index}/path"));
                self.push(problem.param("path", mapping.path.as_str()));
            }
        }
    }
}

fn is_web_address(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}
