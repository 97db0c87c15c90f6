//! The webhook block: the call, and what its end does.

use super::{Run, Step};
use crate::scenario::blocks::{Webhook, WebhookMode};
use crate::scenario::exchange::{Effect, WebhookOutcome, WebhookPort};
use crate::scenario::limits::{TEXT_CHARS, VALUE_BYTES};
use crate::scenario::state::Wait;
use crate::scenario::text;
use serde_json::Value;

impl Run<'_> {
    pub(super) fn call(&mut self, index: usize, webhook: &Webhook) -> Step {
        let waits = webhook.mode == WebhookMode::Wait;
        let Some(endpoint) = webhook.endpoint_id else {
            self.error("no_webhook_chosen", "No webhook is chosen in this block; choose one.", Some(index));
            return if waits { self.fail(index, "server_error") } else { self.follow(index, "next") };
        };
        let call = self.number();
        let block = self.scenario.at(index).id.clone();
        self.effects.push(Effect::Call {
            block: block.clone(),
            call,
            endpoint,
            mode: webhook.mode,
            timeout_ms: webhook.timeout_ms,
            data: self.state.attributes.clone(),
        });
        if waits {
            self.state.wait = Wait::Webhook { block, call };
            return Step::Rest;
        }
        self.follow(index, "next")
    }

    pub(super) fn answer(&mut self, call: u64, outcome: WebhookOutcome) -> bool {
        let Wait::Webhook { block, call: awaited } = &self.state.wait else { return false };
        if *awaited != call {
            return false;
        }
        let index = self.scenario.index(block);
        self.state.wait = Wait::Nothing;
        let step = self.take_answer(index, outcome);
        self.walk(step);
        true
    }

    fn take_answer(&mut self, index: Option<usize>, outcome: WebhookOutcome) -> Step {
        let Some(index) = index else { return Step::Stop };
        self.keep("webhook.status", outcome.status.map_or(Value::Null, Value::from));
        self.keep("webhook.body", outcome.body.into());
        if outcome.port != WebhookPort::Success {
            let reason = outcome.error.as_deref().unwrap_or("the service answered with an error");
            let message = format!("The webhook failed: {reason}");
            self.error(&format!("webhook_{}", outcome.port.name()), message, Some(index));
        }
        self.keep("webhook.error", outcome.error.map_or(Value::Null, Value::from));
        for note in outcome.notes {
            self.error("webhook_answer", note, Some(index));
        }
        self.assign(outcome.attributes);
        for message in outcome.messages.into_iter().take(10) {
            // What a service says is inert: it is not a template.
            let text = text::cut(text::plain(&message), TEXT_CHARS);
            if !text.trim().is_empty() {
                self.effects.push(Effect::Say { block: self.scenario.at(index).id.clone(), text });
            }
        }
        if outcome.end {
            return self.finish();
        }
        match outcome.port {
            WebhookPort::Success => self.follow(index, "success"),
            failure => self.fail(index, failure.name()),
        }
    }

    /// Sets one of the read-only attributes.
    fn keep(&mut self, name: &str, value: Value) {
        let value = match value {
            Value::String(text) => Value::String(text::cut(text, VALUE_BYTES)),
            other => other,
        };
        self.state.attributes.insert(name.to_owned(), value);
    }
}
