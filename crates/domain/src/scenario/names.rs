//! How ids and attributes may be named, and which attributes are built in.

/// Attributes that every scenario knows and may set.
pub const BUILT_IN: [&str; 7] = ["name", "surname", "email", "phone", "gender", "avatar", "language"];

/// Attributes that every scenario knows and only Kanca sets: the visitor's last text, and the last webhook block's
/// answer.
pub const READ_ONLY: [&str; 4] = ["message", "webhook.status", "webhook.body", "webhook.error"];

/// Whether `text` is a block's, choice's or branch's id: `[A-Za-z0-9_-]{1,64}`.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Whether `text` is an attribute's name: `[A-Za-z_][A-Za-z0-9_.]{0,63}`.
pub fn is_attribute(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
}

/// Whether only Kanca sets this attribute; all of `webhook.` is reserved.
pub fn is_read_only(name: &str) -> bool {
    name == "message" || name == "webhook" || name.starts_with("webhook.")
}
