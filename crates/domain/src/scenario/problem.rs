//! What is wrong with a scenario, said so that its owner knows what to do.

use serde::Serialize;
use serde_json::{Map, Value};

/// One problem of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Problem {
    /// The kind of problem; the panel translates by it.
    pub code: Code,
    /// Whether it prevents publishing.
    pub severity: Severity,
    /// The block, if it is about one.
    pub block_id: Option<String>,
    /// The port, if it is about one.
    pub port: Option<String>,
    /// The field of the block, such as `messages/0/text`.
    pub field: Option<String>,
    /// An English sentence that says what to do.
    pub message: String,
    /// The values of the sentence, for translations.
    pub params: Map<String, Value>,
}

/// Whether a problem prevents publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Prevents publishing.
    Error,
    /// Does not.
    Warning,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The kinds of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it stands in JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// There is no start block.
    NoStart = "no_start",
    /// There is more than one start block.
    SeveralStarts = "several_starts",
    /// There is more than one default otherwise or default timeout.
    SeveralDefaults = "several_defaults",
    /// Two blocks have one id.
    DuplicateBlock = "duplicate_block",
    /// A port has two edges.
    DuplicateEdge = "duplicate_edge",
    /// An edge begins or ends at a block that does not exist.
    UnknownEdgeBlock = "unknown_edge_block",
    /// An edge begins at a port that its block does not have.
    UnknownPort = "unknown_port",
    /// A go-to block leads nowhere.
    MissingTarget = "missing_target",
    /// No path leads to the block.
    UnreachableBlock = "unreachable_block",
    /// An attribute is used that nothing declares.
    UnknownAttribute = "unknown_attribute",
    /// A block sets an attribute that only Kanca sets.
    ReadOnlyAttribute = "read_only_attribute",
    /// A failure leads nowhere.
    NoFailurePath = "no_failure_path",
    /// Blocks follow one another in a circle without ever waiting for the visitor.
    CycleWithoutWait = "cycle_without_wait",
    /// A webhook block has no webhook.
    NoWebhookChosen = "no_webhook_chosen",
    /// A webhook block names a webhook that does not exist.
    UnknownWebhook = "unknown_webhook",
    /// A text is empty.
    EmptyText = "empty_text",
    /// There is nothing to choose from.
    EmptyChoices = "empty_choices",
    /// Two choices or branches cannot be told apart.
    DuplicateChoice = "duplicate_choice",
    /// A branch or condition has nothing to compare with.
    EmptyBranch = "empty_branch",
    /// A mapping's path is not of the known form.
    InvalidPath = "invalid_path",
    /// A button's address is not http or https.
    InvalidUrl = "invalid_url",
    /// The least accepted value is above the greatest.
    InvalidLimits = "invalid_limits",
    /// Nothing follows the start.
    NoWayOn = "no_way_on",
}

impl Problem {
    /// An error about the whole scenario; the methods below narrow it down.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            block_id: None,
            port: None,
            field: None,
            message: message.into(),
            params: Map::new(),
        }
    }

    pub(super) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub(super) fn block(mut self, id: &str) -> Self {
        self.block_id = Some(id.to_owned());
        self
    }

    pub(super) fn port(mut self, port: &str) -> Self {
        self.port = Some(port.to_owned());
        self
    }

    pub(super) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(super) fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// Whether it prevents publishing.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_json() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }
}
