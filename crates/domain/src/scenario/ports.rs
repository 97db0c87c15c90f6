//! What each kind of block is called, and the ports by which it is left.

use super::blocks::{BlockKind, Buttons, QuickReplies, WebhookMode};

impl BlockKind {
    /// The `type` of the document.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Start {} => "start",
            Self::Text(_) => "text",
            Self::Question(_) => "question",
            Self::Buttons(_) => "buttons",
            Self::QuickReplies(_) => "quick_replies",
            Self::Condition(_) => "condition",
            Self::SetAttribute(_) => "set_attribute",
            Self::UserInput(_) => "user_input",
            Self::Webhook(_) => "webhook",
            Self::GoTo(_) => "go_to",
            Self::DefaultOtherwise {} => "default_otherwise",
            Self::DefaultTimeout(_) => "default_timeout",
            Self::End(_) => "end",
        }
    }

    /// The output ports, in the order in which the canvas shows them.
    pub fn ports(&self) -> Vec<String> {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        match self {
            Self::Start {}
            | Self::Text(_)
            | Self::SetAttribute(_)
            | Self::DefaultOtherwise {}
            | Self::DefaultTimeout(_) => named(&["next"]),
            Self::Question(_) => named(&["answered", "failed"]),
            Self::Buttons(Buttons { choices, .. }) | Self::QuickReplies(QuickReplies { choices, .. }) => choices
                .iter()
                .filter(|choice| choice.url.is_none())
                .map(|choice| format!("choice:{}", choice.id))
                .chain(["other".to_owned()])
                .collect(),
            Self::Condition(_) => named(&["true", "false"]),
            Self::UserInput(input) => input
                .branches
                .iter()
                .map(|branch| format!("branch:{}", branch.id))
                .chain(["other".to_owned()])
                .collect(),
            Self::Webhook(webhook) => match webhook.mode {
                WebhookMode::Notify => named(&["next"]),
                WebhookMode::Wait => named(&["success", "client_error", "server_error", "timeout"]),
            },
            Self::GoTo(_) | Self::End(_) => Vec::new(),
        }
    }

    /// Whether a path that reaches this block waits there for the visitor.
    pub const fn waits_for_visitor(&self) -> bool {
        matches!(self, Self::Question(_) | Self::Buttons(_) | Self::QuickReplies(_) | Self::UserInput(_))
    }
}
