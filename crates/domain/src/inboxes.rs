//! Inboxes: how their addresses are spelled, what they may be told to answer, and which URLs are one's own inbox.

mod event_type;
mod own_url;
mod response;
mod slug;

pub use event_type::event_type_of;
pub use own_url::inbox_of_own_url;
pub use response::{ConfiguredResponse, InvalidResponse, MAX_RESPONSE_BYTES};
pub use slug::{InvalidSlug, Slug};
