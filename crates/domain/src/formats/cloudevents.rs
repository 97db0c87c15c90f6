//! `CloudEvents` 1.0.2 over HTTP: *structured* puts the event's attributes and its data into one JSON body, *binary* puts the
//! attributes into `ce-` headers and sends the data as it is.
//!
//! `id` is the event's id, `type` its type, `time` when it happened, and `source` names the project (a URN, so that it
//! stays the same wherever Kanca is reached).

use super::{Envelope, json_text};
use crate::ids::ProjectId;
use std::fmt::Write as _;

/// The version of the specification that is followed.
const SPEC_VERSION: &str = "1.0";

fn source(project: ProjectId) -> String {
    format!("urn:kanca:{project}")
}

/// The body in structured mode (JSON event format, section 3).
pub(super) fn structured(envelope: &Envelope<'_>) -> Vec<u8> {
    let data = envelope.data.as_str();
    let mut body = Vec::with_capacity(320 + data.len());
    let id = envelope.id.to_string();
    let source = source(envelope.project);
    let members = [
        ("specversion", SPEC_VERSION),
        ("id", &id),
        ("source", &source),
        ("type", envelope.event_type.as_str()),
        ("time", envelope.timestamp),
        ("datacontenttype", "application/json"),
    ];
    for (at, (name, value)) in members.into_iter().enumerate() {
        body.extend_from_slice(if at == 0 { b"{\"" } else { b",\"" });
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(b"\":\"");
        json_text::push_escaped(&mut body, value);
        body.push(b'"');
    }
    body.extend_from_slice(b",\"data\":");
    body.extend_from_slice(data.as_bytes());
    body.push(b'}');
    body
}

/// The headers in binary mode (HTTP protocol binding, section 3.1), without the content type.
pub(super) fn headers(envelope: &Envelope<'_>) -> Vec<(&'static str, String)> {
    vec![
        ("ce-specversion", SPEC_VERSION.to_owned()),
        ("ce-id", header_value(&envelope.id.to_string())),
        ("ce-source", header_value(&source(envelope.project))),
        ("ce-type", header_value(envelope.event_type.as_str())),
        ("ce-time", header_value(envelope.timestamp)),
    ]
}

/// A text as a header's value (HTTP protocol binding, section 3.1.3.2): what is not printable ASCII, the space, `"` and `%`
/// are percent-encoded as UTF-8.
pub fn header_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'"' && byte != b'%' {
            value.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}
