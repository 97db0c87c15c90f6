//! Problems of attributes: names that nothing declares, and writing to those that only Kanca sets.
//!
//! An unknown name is a warning: a template that names it stays empty, but a service's answer or the page that shows
//! the widget may set it.

use crate::scenario::blocks::{BlockKind, Subject};
use crate::scenario::document::Document;
use crate::scenario::names;
use crate::scenario::problem::{Code, Problem};
use crate::scenario::template;
use std::collections::HashSet;

pub(super) fn check(document: &Document, problems: &mut Vec<Problem>) {
    for (index, declared) in document.attributes.iter().enumerate() {
        if names::is_read_only(&declared.name) {
            problems.push(read_only(&declared.name).field(format!("attributes/{index}")));
        }
    }
    let declared: HashSet<&str> = document.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    let is_known =
        |name: &str| declared.contains(name) || names::BUILT_IN.contains(&name) || names::READ_ONLY.contains(&name);
    for block in &document.blocks {
        for (field, name) in written(&block.kind) {
            let problem = if name.is_empty() {
                Problem::new(Code::UnknownAttribute, "Choose the attribute to set.").param("attribute", name)
            } else if names::is_read_only(name) {
                read_only(name)
            } else if !is_known(name) {
                unknown(name)
            } else {
                continue;
            };
            problems.push(problem.block(&block.id).field(field));
        }
        for (field, name) in read(&block.kind) {
            if name.is_empty() {
                let problem = Problem::new(Code::UnknownAttribute, "Choose the attribute to compare.");
                problems.push(problem.block(&block.id).field(field).param("attribute", name));
            } else if !is_known(name) {
                problems.push(unknown(name).block(&block.id).field(field));
            }
        }
    }
}

fn read_only(name: &str) -> Problem {
    let message = format!("“{name}” is set by Kanca alone; choose another attribute.");
    Problem::new(Code::ReadOnlyAttribute, message).param("attribute", name)
}

fn unknown(name: &str) -> Problem {
    let message = format!(
        "The attribute “{name}” is not declared in this scenario; add it to the attributes or correct its name."
    );
    Problem::new(Code::UnknownAttribute, message).param("attribute", name).warning()
}

/// The attributes that a block sets, with their fields. An empty name is a choice not made yet.
fn written(kind: &BlockKind) -> Vec<(String, &str)> {
    match kind {
        BlockKind::Question(question) => {
            // Here an empty name means that the answer is not kept.
            let kept = question.attribute.as_deref().filter(|name| !name.is_empty());
            kept.map(|name| ("attribute".into(), name)).into_iter().collect()
        }
        BlockKind::QuickReplies(replies) => {
            let kept = replies.attribute.as_deref().filter(|name| !name.is_empty());
            kept.map(|name| ("attribute".into(), name)).into_iter().collect()
        }
        BlockKind::SetAttribute(set) => {
            let assignments = set.assignments.iter().enumerate();
            assignments.map(|(n, set)| (format!("assignments/{n}/attribute"), set.attribute.as_str())).collect()
        }
        BlockKind::Webhook(webhook) => {
            let mappings = webhook.mappings.iter().enumerate();
            mappings.map(|(n, mapping)| (format!("mappings/{n}/attribute"), mapping.attribute.as_str())).collect()
        }
        _ => Vec::new(),
    }
}

/// The attributes that a block reads, in templates and rules, with their fields.
fn read(kind: &BlockKind) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    let mut template = |field: String, text| {
        found.extend(template::attributes(text).map(|name| (field.clone(), name)));
    };
    match kind {
        BlockKind::Text(text) => {
            text.messages
                .iter()
                .enumerate()
                .for_each(|(n, message)| template(format!("messages/{n}/text"), &message.text));
        }
        BlockKind::Question(question) => {
            template("text".into(), &question.text);
            question.variants.iter().enumerate().for_each(|(n, variant)| template(format!("variants/{n}"), variant));
            template("retry_text".into(), question.retry_text.as_deref().unwrap_or_default());
        }
        BlockKind::Buttons(buttons) => template("text".into(), &buttons.text),
        BlockKind::QuickReplies(replies) => template("text".into(), &replies.text),
        BlockKind::SetAttribute(set) => {
            set.assignments
                .iter()
                .enumerate()
                .for_each(|(n, set)| template(format!("assignments/{n}/value"), &set.value));
        }
        BlockKind::End(end) => template("text".into(), end.text.as_deref().unwrap_or_default()),
        BlockKind::Condition(condition) => {
            for (n, group) in condition.groups.iter().enumerate() {
                for (m, rule) in group.rules.iter().enumerate() {
                    let field = format!("groups/{n}/rules/{m}");
                    if let Subject::Attribute { name } = &rule.subject {
                        found.push((format!("{field}/subject/name"), name));
                    }
                    let value = rule.value.as_deref().unwrap_or_default();
                    found.extend(template::attributes(value).map(|name| (format!("{field}/value"), name)));
                }
            }
        }
        _ => {}
    }
    found
}
