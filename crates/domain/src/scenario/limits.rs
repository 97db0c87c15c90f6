//! The limits of a document, and the check that names the place where one is exceeded.

use super::blocks::{Block, BlockKind, Check, Choice};
use super::document::{Document, DocumentError};
use super::names;

/// Bytes of a document as JSON text.
pub const DOCUMENT_BYTES: usize = 1024 * 1024;
/// Blocks of a document.
pub const BLOCKS: usize = 500;
/// Edges of a document.
pub const EDGES: usize = 2_000;
/// Declared attributes of a document.
pub const ATTRIBUTES: usize = 100;
/// Characters of a text, also of each message that the bot says.
pub const TEXT_CHARS: usize = 4_000;
/// Choices or branches of a block; also keywords, phrases, variants, groups, rules and mappings.
pub const CHOICES: usize = 50;
/// Characters of names, titles and labels.
pub const LABEL_CHARS: usize = 200;
/// Bytes of an attribute's value as JSON text.
pub const VALUE_BYTES: usize = 8 * 1024;

/// Checks every limit and the spelling of ids and names.
pub(super) fn check(document: &Document, errors: &mut Vec<DocumentError>) {
    let mut place = Place { errors, path: String::new() };
    place.label("/name", document.name.as_deref());
    for (index, attribute) in document.attributes.iter().enumerate() {
        place.path = format!("/attributes/{index}");
        place.attribute("/name", &attribute.name);
        place.label("/label", attribute.label.as_deref());
        if document.attributes[..index].iter().any(|earlier| earlier.name == attribute.name) {
            place.error("/name", format!("the attribute “{}” is declared twice; remove one", attribute.name));
        }
        if attribute.default.as_ref().is_some_and(|value| value.to_string().len() > VALUE_BYTES) {
            place.error("/default", "a value is at most 8 KiB");
        }
    }
    for (index, block) in document.blocks.iter().enumerate() {
        place.path = format!("/blocks/{index}");
        check_block(block, &mut place);
    }
    for (index, edge) in document.edges.iter().enumerate() {
        place.path = format!("/edges/{index}");
        place.label("/from", Some(&edge.from));
        place.label("/port", Some(&edge.port));
        place.label("/to", Some(&edge.to));
    }
}

struct Place<'a> {
    errors: &'a mut Vec<DocumentError>,
    path: String,
}

impl Place<'_> {
    fn error(&mut self, field: &str, message: impl Into<String>) {
        self.errors.push(DocumentError::new(format!("{}{field}", self.path), message));
    }

    fn text(&mut self, field: &str, text: &str) {
        if text.chars().nth(TEXT_CHARS).is_some() {
            self.error(field, format!("a text is at most {TEXT_CHARS} characters; shorten it"));
        }
    }

    fn label(&mut self, field: &str, label: Option<&str>) {
        if label.is_some_and(|label| label.chars().nth(LABEL_CHARS).is_some()) {
            self.error(field, format!("a name is at most {LABEL_CHARS} characters; shorten it"));
        }
    }

    fn id(&mut self, field: &str, id: &str) {
        if !names::is_id(id) {
            self.error(field, "an id is 1 to 64 of the characters A–Z, a–z, 0–9, _ and -");
        }
    }

    fn attribute(&mut self, field: &str, name: &str) {
        if !names::is_attribute(name) {
            self.error(
                field,
                "an attribute's name is 1 to 64 of the characters A–Z, a–z, 0–9, _ and . and begins with a letter or _",
            );
        }
    }

    /// An empty attribute name is a field not filled in yet, which `validate` reports.
    fn chosen_attribute(&mut self, field: &str, name: &str) {
        if !name.is_empty() {
            self.attribute(field, name);
        }
    }

    fn count(&mut self, field: &str, count: usize, most: usize) {
        if count > most {
            self.error(field, format!("at most {most} are allowed; {count} were given"));
        }
    }

    fn range(&mut self, field: &str, value: u32, least: u32, most: u32) {
        if !(least..=most).contains(&value) {
            self.error(field, format!("must be from {least} to {most}"));
        }
    }

    fn choices(&mut self, choices: &[Choice]) {
        self.count("/choices", choices.len(), CHOICES);
        for (index, choice) in choices.iter().enumerate() {
            self.id(&format!("/choices/{index}/id"), &choice.id);
            self.label(&format!("/choices/{index}/label"), Some(&choice.label));
            if let Some(url) = &choice.url {
                self.text(&format!("/choices/{index}/url"), url);
            }
        }
    }

    fn texts(&mut self, field: &str, texts: &[String]) {
        self.count(field, texts.len(), CHOICES);
        for (index, text) in texts.iter().enumerate() {
            self.text(&format!("{field}/{index}"), text);
        }
    }

    fn answers(&mut self, check: &Check) {
        self.count("/validate/choices", check.choices.len(), CHOICES);
        for (index, choice) in check.choices.iter().enumerate() {
            self.label(&format!("/validate/choices/{index}"), Some(choice));
        }
    }
}

fn check_block(block: &Block, place: &mut Place<'_>) {
    place.id("/id", &block.id);
    place.label("/title", block.title.as_deref());
    match &block.kind {
        BlockKind::Start {} | BlockKind::DefaultOtherwise {} => {}
        BlockKind::Text(text) => {
            place.count("/messages", text.messages.len(), 10);
            for (index, message) in text.messages.iter().enumerate() {
                place.text(&format!("/messages/{index}/text"), &message.text);
                place.range(&format!("/messages/{index}/delay_ms"), message.delay_ms, 0, 60_000);
            }
        }
        BlockKind::Question(question) => {
            place.text("/text", &question.text);
            place.texts("/variants", &question.variants);
            place.text("/retry_text", question.retry_text.as_deref().unwrap_or_default());
            place.chosen_attribute("/attribute", question.attribute.as_deref().unwrap_or_default());
            place.range("/attempts", question.attempts.unwrap_or(1), 1, 20);
            place.answers(&question.validate);
        }
        BlockKind::Buttons(buttons) => {
            place.text("/text", &buttons.text);
            place.choices(&buttons.choices);
        }
        BlockKind::QuickReplies(replies) => {
            place.text("/text", &replies.text);
            place.choices(&replies.choices);
            place.chosen_attribute("/attribute", replies.attribute.as_deref().unwrap_or_default());
            for (index, _) in replies.choices.iter().enumerate().filter(|(_, choice)| choice.url.is_some()) {
                place.error(
                    &format!("/choices/{index}/url"),
                    "a quick reply cannot open an address; use a buttons block instead",
                );
            }
        }
        BlockKind::Condition(condition) => {
            place.count("/groups", condition.groups.len(), CHOICES);
            for (index, group) in condition.groups.iter().enumerate() {
                place.count(&format!("/groups/{index}/rules"), group.rules.len(), CHOICES);
                for (rule_index, rule) in group.rules.iter().enumerate() {
                    let field = format!("/groups/{index}/rules/{rule_index}");
                    place.text(&format!("{field}/value"), rule.value.as_deref().unwrap_or_default());
                    if let super::blocks::Subject::Attribute { name } = &rule.subject {
                        place.chosen_attribute(&format!("{field}/subject/name"), name);
                    }
                }
            }
        }
        BlockKind::SetAttribute(set) => {
            place.count("/assignments", set.assignments.len(), 20);
            for (index, assignment) in set.assignments.iter().enumerate() {
                place.chosen_attribute(&format!("/assignments/{index}/attribute"), &assignment.attribute);
                place.text(&format!("/assignments/{index}/value"), &assignment.value);
            }
        }
        BlockKind::UserInput(input) => {
            place.count("/branches", input.branches.len(), CHOICES);
            for (index, branch) in input.branches.iter().enumerate() {
                place.id(&format!("/branches/{index}/id"), &branch.id);
                place.label(&format!("/branches/{index}/label"), branch.label.as_deref());
                place.texts(&format!("/branches/{index}/keywords"), &branch.keywords);
                place.texts(&format!("/branches/{index}/phrases"), &branch.phrases);
            }
        }
        BlockKind::Webhook(webhook) => {
            place.range("/timeout_ms", webhook.timeout_ms, 1_000, 60_000);
            place.count("/mappings", webhook.mappings.len(), CHOICES);
            for (index, mapping) in webhook.mappings.iter().enumerate() {
                place.label(&format!("/mappings/{index}/path"), Some(&mapping.path));
                place.chosen_attribute(&format!("/mappings/{index}/attribute"), &mapping.attribute);
            }
        }
        BlockKind::GoTo(go_to) => place.label("/target", go_to.target.as_deref()),
        BlockKind::DefaultTimeout(timeout) => place.range("/after_ms", timeout.after_ms, 1_000, 86_400_000),
        BlockKind::End(end) => place.text("/text", end.text.as_deref().unwrap_or_default()),
    }
}
