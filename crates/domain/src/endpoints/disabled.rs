//! Why an endpoint is disabled.

use crate::closed_list;

closed_list! {
    /// Why an endpoint is disabled. The code is stored and part of the API, so none may change its meaning.
    DisabledCode {
        /// Somebody set it so.
        ByHand = "by_hand";
        /// Its receiver answered 410 Gone.
        Gone = "gone";
        /// Every attempt failed, for as long as the user allows.
        Failing = "failing";
        /// The inbox that it pointed to was deleted.
        InboxDeleted = "inbox_deleted";
    }
}
