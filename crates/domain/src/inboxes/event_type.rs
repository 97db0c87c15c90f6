//! What a captured request is about, as far as its body says so: for a list that can be read at a glance.

use serde::Deserialize;
use std::borrow::Cow;

/// The longest body that is looked into.
const MAX_BODY: usize = 256 * 1024;
/// The longest name that is shown.
const MAX_NAME: usize = 128;

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
}

/// The text of `type` (or else `event`) at the top of a JSON body, as Standard Webhooks and most providers have it;
/// `None` when there is none, or it is longer than 128 characters or has control characters.
pub fn event_type_of(body: &[u8]) -> Option<String> {
    if body.len() > MAX_BODY || body.first() != Some(&b'{') {
        return None;
    }
    let typed: Typed<'_> = serde_json::from_slice(body).ok()?;
    let name = typed.kind.or(typed.event)?;
    let shown = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.contains(char::is_control);
    shown.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::event_type_of;

    #[test]
    fn the_type_of_a_json_body_is_found() {
        assert_eq!(event_type_of(br#"{"a":[{"type":"no"}],"type":"order.paid"}"#).as_deref(), Some("order.paid"));
        assert_eq!(event_type_of(br#"{"event":"invoice"}"#).as_deref(), Some("invoice"));
    }

    #[test]
    fn other_bodies_have_none() {
        for body in [&b""[..], b"[]", b"{", br#"{"type":7}"#, br#"{"type":""}"#, b"type=x", br#"{"type":"a\nb"}"#] {
            assert_eq!(event_type_of(body), None, "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(event_type_of(format!(r#"{{"type":"{}"}}"#, "x".repeat(129)).as_bytes()), None);
    }
}
