//! What an inbox answers when its owner has configured it.
//!
//! The answer is sent from Kanca's own origin to whoever asks, so headers that would act on the whole origin, or lift
//! the protection that every answer under `/in/` carries, cannot be configured.

use crate::headers::{self, InvalidHeaders};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The longest body of a configured answer.
pub const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// A configured answer; by default 200 without a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredResponse {
    /// 200 to 599.
    pub status: u16,
    /// In the order given, each name once.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_RESPONSE_BYTES`].
    pub body: String,
}

impl Default for ConfiguredResponse {
    fn default() -> Self {
        Self { status: 200, headers: Vec::new(), body: String::new() }
    }
}

/// Why an answer cannot be configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResponse {
    /// Not a final HTTP status.
    #[error("the status {0} cannot be answered; choose one from 200 to 599")]
    Status(u16),
    /// HTTP has no body for this status.
    #[error("an answer with status {0} has no body; leave the body empty or choose another status")]
    NoBody(u16),
    /// Larger than [`MAX_RESPONSE_BYTES`].
    #[error("the body has {0} bytes; at most 256 KiB are allowed")]
    TooLarge(usize),
    /// See [`InvalidHeaders`].
    #[error(transparent)]
    Headers(#[from] InvalidHeaders),
}

impl ConfiguredResponse {
    /// Whether this can be answered.
    pub fn check(&self) -> Result<(), InvalidResponse> {
        if !(200..=599).contains(&self.status) {
            return Err(InvalidResponse::Status(self.status));
        }
        if matches!(self.status, 204 | 205 | 304) && !self.body.is_empty() {
            return Err(InvalidResponse::NoBody(self.status));
        }
        if self.body.len() > MAX_RESPONSE_BYTES {
            return Err(InvalidResponse::TooLarge(self.body.len()));
        }
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(headers::check(headers, refused)?)
    }

    /// The content type to add, if the owner gave none and there is a body: JSON if it parses as JSON, else plain text.
    pub fn added_content_type(&self) -> Option<&'static str> {
        let is_given = headers::find(&self.headers, "content-type").is_some();
        if is_given || self.body.is_empty() {
            return None;
        }
        // A raw value is checked without recursion, however deep it is.
        let is_json = serde_json::from_str::<&RawValue>(&self.body).is_ok();
        Some(if is_json { "application/json" } else { "text/plain; charset=utf-8" })
    }
}

fn refused(name: &str) -> Option<&'static str> {
    Some(match name {
        "set-cookie" | "set-cookie2" => "cookies would be valid for all of Kanca, its panel included.",
        "service-worker-allowed"
        | "clear-site-data"
        | "strict-transport-security"
        | "public-key-pins"
        | "alt-svc"
        | "nel"
        | "report-to"
        | "reporting-endpoints" => "it would act on all of Kanca's address, not only on this inbox.",
        "access-control-allow-credentials" => "other sites could then read answers with a visitor's cookies.",
        "content-security-policy" | "x-content-type-options" => {
            "Kanca sets it, so that an answer cannot run as a page."
        }
        "content-length" => "it comes from the body.",
        _ if headers::is_hop_by_hop(name) => "it belongs to the connection, which Kanca manages.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> ConfiguredResponse {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ConfiguredResponse { status, headers, body: body.to_owned() }
    }

    #[test]
    fn a_final_status_with_a_body_where_http_has_one() {
        for status in [200, 201, 204, 301, 304, 404, 429, 500, 599] {
            assert_eq!(response(status, &[], "").check(), Ok(()), "{status}");
        }
        for status in [0, 100, 101, 199, 600, 999] {
            assert_eq!(response(status, &[], "").check(), Err(InvalidResponse::Status(status)));
        }
        assert_eq!(response(204, &[], "x").check(), Err(InvalidResponse::NoBody(204)));
        assert_eq!(response(200, &[], &"x".repeat(262_144)).check(), Ok(()));
        assert_eq!(response(200, &[], &"x".repeat(262_145)).check(), Err(InvalidResponse::TooLarge(262_145)));
        assert_eq!(ConfiguredResponse::default().check(), Ok(()));
    }

    #[test]
    fn headers_that_act_on_the_whole_origin_are_refused() {
        for name in [
            "Set-Cookie",
            "Service-Worker-Allowed",
            "Clear-Site-Data",
            "Strict-Transport-Security",
            "Access-Control-Allow-Credentials",
            "Content-Security-Policy",
            "X-Content-Type-Options",
            "Connection",
            "Transfer-Encoding",
            "Content-Length",
            "Upgrade",
            "alt-svc",
        ] {
            let checked = response(200, &[(name, "x")], "").check();
            assert!(matches!(checked, Err(InvalidResponse::Headers(InvalidHeaders::Refused { .. }))), "{name}");
        }
        let fine =
            [("Content-Type", "text/xml"), ("X-A", "b"), ("Access-Control-Allow-Origin", "*"), ("Location", "/x")];
        assert_eq!(response(302, &fine, "").check(), Ok(()));
        assert!(response(200, &[("a", "b\r\nset-cookie: c")], "").check().is_err());
    }

    #[test]
    fn json_is_recognised_when_no_content_type_is_given() {
        for (body, content_type) in [
            (r#"{"messages":[]}"#, Some("application/json")),
            (" [1] \n", Some("application/json")),
            ("42", Some("application/json")),
            (&"[".repeat(100_000), Some("text/plain; charset=utf-8")),
            ("Merhaba", Some("text/plain; charset=utf-8")),
            ("<a/>", Some("text/plain; charset=utf-8")),
            ("{'a':1}", Some("text/plain; charset=utf-8")),
            ("", None),
        ] {
            assert_eq!(response(200, &[], body).added_content_type(), content_type);
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(response(200, &[], &deep).added_content_type(), Some("application/json"));
        assert_eq!(response(200, &[("CONTENT-TYPE", "text/html")], "{}").added_content_type(), None);
    }
}
