//! Why an endpoint did not get an event, or what else is to be said of an event: a closed list, each with a sentence.
//!
//! The code and what the sentence names are stored beside the sentence, so that a reader of another language gets a
//! sentence, too: whoever shows an explanation makes it from them.

use serde::{Deserialize, Serialize};

/// What an explanation says. As JSON `{"code": "filtered_out", "params": {"filter": "…"}}`; codes are stored and part of
/// the API, so none may change its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", content = "params", rename_all = "snake_case")]
pub enum Because {
    /// The endpoint was disabled when the event was published.
    Disabled,
    /// The endpoint does not subscribe to the type.
    NotSubscribed { event_type: String },
    /// The endpoint did not subscribe to the type when the event was published, and does now.
    SubscribedLater { event_type: String },
    /// The endpoint was created after the event.
    CreatedLater,
    /// The endpoint's filter said no.
    FilteredOut { filter: String },
    /// The endpoint's filter failed, so the event was delivered anyway.
    FilterFailed { filter: String, error: String },
    /// Events of this type go only to the endpoint of the block that makes them.
    Addressed { event_type: String },
    /// The endpoint that the block calls was deleted.
    BlockWebhookDeleted,
    /// The endpoint that the block calls is disabled.
    BlockWebhookDisabled,
    /// The project had no endpoint.
    NoWebhook,
    /// None of the project's endpoints subscribes to the type.
    NobodySubscribes { event_type: String, webhooks: usize },
    /// A test, sent to one endpoint.
    Test { webhook: String },
    /// The data is not as the schema of its type says; it was accepted all the same.
    DataMismatch { event_type: String, error: String },
    /// The type is not registered, so its data is not checked.
    UnregisteredType { event_type: String },
}

impl Because {
    /// All codes.
    pub const CODES: [&str; 14] = [
        "disabled",
        "not_subscribed",
        "subscribed_later",
        "created_later",
        "filtered_out",
        "filter_failed",
        "addressed",
        "block_webhook_deleted",
        "block_webhook_disabled",
        "no_webhook",
        "nobody_subscribes",
        "test",
        "data_mismatch",
        "unregistered_type",
    ];

    /// The English sentence.
    pub fn words(&self) -> String {
        match self {
            Self::Disabled => {
                "This webhook was disabled when the event was published, so no delivery was made.".to_owned()
            }
            Self::NotSubscribed { event_type } => format!("This webhook does not subscribe to {event_type}."),
            Self::SubscribedLater { event_type } => format!(
                "This webhook subscribes to {event_type} now, and did not when the event was published. Recover makes a \
                 delivery."
            ),
            Self::CreatedLater => {
                "This webhook was created after the event. Recover makes a delivery, if it subscribes \
                                   to the type."
                    .to_owned()
            }
            Self::FilteredOut { filter } => format!("Its filter does not let this event pass: {filter}"),
            Self::FilterFailed { filter, error } => {
                format!("Its filter failed ({error}), so the event was delivered anyway: {filter}")
            }
            Self::Addressed { event_type } => {
                format!("{event_type} goes only to the webhook of the block that makes it, never by subscription.")
            }
            Self::BlockWebhookDeleted => "The webhook that this block calls was deleted.".to_owned(),
            Self::BlockWebhookDisabled => "The webhook that this block calls is disabled.".to_owned(),
            Self::NoWebhook => {
                "This project had no webhook when the event was published. Create one to receive such events."
                    .to_owned()
            }
            Self::NobodySubscribes { event_type, webhooks: 1 } => {
                format!("The project's only webhook does not subscribe to {event_type}.")
            }
            Self::NobodySubscribes { event_type, webhooks } => {
                format!("None of the project's {webhooks} webhooks subscribes to {event_type}.")
            }
            Self::Test { webhook } => format!("A test, sent by hand to “{webhook}” only."),
            Self::DataMismatch { event_type, error } => {
                format!(
                    "Warning: the data is not as the schema of {event_type} says: {error}. Mend what publishes it, or \
                     change the schema."
                )
            }
            Self::UnregisteredType { event_type } => {
                format!("{event_type} is not a registered event type, so its data is not checked.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn one_of_each() -> Vec<Because> {
        let event_type = || "order.paid".to_owned();
        let filter = || "event.data.n > 1".to_owned();
        vec![
            Because::Disabled,
            Because::NotSubscribed { event_type: event_type() },
            Because::SubscribedLater { event_type: event_type() },
            Because::CreatedLater,
            Because::FilteredOut { filter: filter() },
            Because::FilterFailed { filter: filter(), error: "no such key".into() },
            Because::Addressed { event_type: event_type() },
            Because::BlockWebhookDeleted,
            Because::BlockWebhookDisabled,
            Because::NoWebhook,
            Because::NobodySubscribes { event_type: event_type(), webhooks: 2 },
            Because::Test { webhook: "Billing".into() },
            Because::DataMismatch { event_type: event_type(), error: "at /n: is no number".into() },
            Because::UnregisteredType { event_type: event_type() },
        ]
    }

    #[test]
    fn each_has_its_code_and_what_its_sentence_names_as_json_and_is_read_back() {
        let mut codes = Vec::new();
        for because in one_of_each() {
            let json = serde_json::to_value(&because).unwrap();
            let words = because.words();
            for named in json["params"].as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str()) {
                assert!(words.contains(named), "{words}");
            }
            codes.push(json["code"].as_str().unwrap().to_owned());
            assert_eq!(serde_json::from_value::<Because>(json).unwrap(), because);
        }
        assert_eq!(codes, Because::CODES);
        assert_eq!(serde_json::to_value(Because::NoWebhook).unwrap(), json!({"code": "no_webhook"}));
        assert!(serde_json::from_value::<Because>(json!({"code": "unheard_of", "params": Value::Null})).is_err());
    }
}
