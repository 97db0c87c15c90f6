//! What a webhook's answer means to the block that waits for it.

use crate::deliveries::Ended;
use kanca_domain::headers;
use kanca_domain::scenario::{BlockKind, Mapping, Scenario, WebhookOutcome, answer};

/// The mappings of a webhook block.
pub(crate) fn mappings<'s>(scenario: &'s Scenario, block: Option<&str>) -> &'s [Mapping] {
    match block.and_then(|id| scenario.block(id)).map(|b| &b.kind) {
        Some(BlockKind::Webhook(webhook)) => &webhook.mappings,
        _ => &[],
    }
}

/// The outcome for `scenario::advance`.
pub(crate) fn outcome(ended: &Ended, mappings: &[Mapping]) -> WebhookOutcome {
    match ended {
        Ended::Answer(response) if response.truncated => {
            WebhookOutcome::server_error("The webhook's answer is larger than 256 KiB, so it was not read.")
        }
        Ended::Answer(response) => {
            let content_type = headers::find(&response.headers, "content-type");
            answer::parse(response.status, content_type, &response.body, mappings)
        }
        Ended::Timeout(reason) => WebhookOutcome::timeout(reason.clone()),
        Ended::ServerError(reason) => WebhookOutcome::server_error(reason.clone()),
    }
}
