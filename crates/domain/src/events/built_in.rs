//! The types of the events that Kanca itself publishes.

use super::EventType;
use std::sync::LazyLock;

macro_rules! built_in {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal;)*) => {
        /// An event type that Kanca publishes by itself, about conversations, contacts, endpoints and deliveries.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum BuiltIn { $($(#[doc = $doc])* $variant,)* }

        impl BuiltIn {
            /// All of them, in the order in which the panel lists them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name, such as `message.received`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it tells, in a sentence.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*).trim(),)* }
            }
        }
    };
}

built_in! {
    /// A visitor opened a conversation.
    ConversationStarted = "conversation.started";
    /// The contact said something.
    MessageReceived = "message.received";
    /// The bot or an agent said something.
    MessageSent = "message.sent";
    /// A keyword of a user-input block was recognised.
    ConversationKeyword = "conversation.keyword";
    /// The contact has been silent for as long as the scenario's default timeout says.
    ConversationIdle = "conversation.idle";
    /// The conversation ended.
    ConversationEnded = "conversation.ended";
    /// The conversation was handed to an agent.
    ConversationHandedOver = "conversation.handed_over";
    /// A contact was made.
    ContactCreated = "contact.created";
    /// An attribute of a contact changed.
    ContactUpdated = "contact.updated";
    /// A webhook block was reached. Addressed to that block's endpoint only; no subscription is asked.
    ConversationWebhook = "conversation.webhook";
    /// An endpoint was disabled.
    EndpointDisabled = "endpoint.disabled";
    /// A delivery failed for good.
    DeliveryFailed = "delivery.failed";
}

static EVENT_TYPES: LazyLock<Vec<EventType>> =
    LazyLock::new(|| BuiltIn::ALL.iter().filter_map(|built_in| built_in.name().parse().ok()).collect());

impl BuiltIn {
    /// The type of the event to publish; costs no allocation.
    pub fn event_type(self) -> EventType {
        EVENT_TYPES[self as usize].clone()
    }

    /// The built-in type of this name.
    pub fn of(event_type: &EventType) -> Option<Self> {
        Self::ALL.iter().copied().find(|built_in| built_in.name() == event_type.as_str())
    }

    /// Whether the event is addressed to one endpoint, so that no other endpoint matches it, not even one that
    /// subscribes to everything.
    pub const fn is_addressed(self) -> bool {
        matches!(self, Self::ConversationWebhook)
    }

    /// Whether the event tells of deliveries. The failing of its own deliveries must then publish nothing, or it would
    /// cause itself for ever.
    pub const fn is_about_deliveries(self) -> bool {
        matches!(self, Self::EndpointDisabled | Self::DeliveryFailed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_valid_type_that_leads_back_to_it() {
        assert_eq!(BuiltIn::ALL.len(), 12);
        for built_in in BuiltIn::ALL {
            assert_eq!(built_in.event_type().as_str(), built_in.name());
            assert_eq!(BuiltIn::of(&built_in.event_type()), Some(*built_in));
            assert!(built_in.description().ends_with('.'), "{}", built_in.description());
        }
        assert_eq!(BuiltIn::of(&"order.paid".parse().unwrap()), None);
    }
}
