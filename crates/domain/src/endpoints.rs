//! Endpoints (in the panel: webhooks): what a user may enter for one.
//!
//! Whether the URL's host may be reached is another question, asked of [`addresses`](crate::addresses).

pub mod auth;
mod disabled;
pub mod handshake;
pub mod options;

pub use auth::Auth;
pub use disabled::DisabledCode;
pub use options::{EndpointOptions, RateLimit};

use crate::headers::{self, InvalidHeaders};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The longest name, in characters.
pub const MAX_NAME_LENGTH: usize = 200;
/// The longest URL, in characters.
pub const MAX_URL_LENGTH: usize = 2_048;
/// The longest part of a host's name, and the longest name, as they are looked up.
const LONGEST_LABEL: usize = 63;
const LONGEST_HOST: usize = 253;

/// Whether events that share an ordering key wait for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ordering {
    /// One after another for each key, in the order in which they were accepted.
    #[default]
    Key,
    /// Each as soon as it can.
    None,
}

/// Whether an endpoint takes events and sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointStatus {
    /// Takes events and sends them.
    #[default]
    Active,
    /// Takes events and keeps them until it is active again.
    Paused,
    /// Takes no events; those it has are kept. What is published meanwhile can be recovered later.
    Disabled,
}

impl Ordering {
    /// `key` or `none`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::None => "none",
        }
    }
}

impl EndpointStatus {
    /// `active`, `paused` or `disabled`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// Whether an event that is published now makes a delivery.
    pub const fn takes_events(self) -> bool {
        matches!(self, Self::Active | Self::Paused)
    }

    /// Whether deliveries are attempted now.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Active)
    }
}

/// Why a field of an endpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// Empty, too long or with line breaks.
    #[error("the name must have 1 to {MAX_NAME_LENGTH} characters and no line breaks")]
    Name,
    /// Longer than [`MAX_URL_LENGTH`].
    #[error("the URL is longer than {MAX_URL_LENGTH} characters; shorten it, or put the data into headers")]
    UrlTooLong,
    /// Not a URL; holds the parser's words.
    #[error("this is not a URL ({0}); it should look like https://example.com/hook")]
    Url(String),
    /// A scheme other than http and https.
    #[error("the URL begins with “{0}:”; only http and https can be used")]
    Scheme(String),
    /// A user name or password before the host.
    #[error(
        "the URL contains a user name or password, which would be stored and shown with it; \
         use headers instead, such as “Authorization: Basic …”"
    )]
    UserInfo,
    /// Port 0, at which nothing can listen.
    #[error("port 0 cannot be used; leave the port out or write the receiver's")]
    Port,
    /// A name that the domain name system cannot hold.
    #[error("the host can never be found: {0}; write the receiver's name or address")]
    Host(&'static str),
}

/// Checks a name, for whatever bears one, and drops the white space around it.
pub fn check_name(name: &str) -> Result<&str, InvalidEndpoint> {
    let name = name.trim();
    let is_fine = (1..=MAX_NAME_LENGTH).contains(&name.chars().count()) && !name.contains(char::is_control);
    if is_fine { Ok(name) } else { Err(InvalidEndpoint::Name) }
}

/// Checks a URL and gives it as it will be used: normalised by the WHATWG URL Standard, without the fragment (which is
/// never sent). It has a host and no user name or password.
pub fn check_url(text: &str) -> Result<Url, InvalidEndpoint> {
    let too_long = |text: &str| text.chars().count() > MAX_URL_LENGTH;
    if too_long(text) {
        return Err(InvalidEndpoint::UrlTooLong);
    }
    let mut url = Url::parse(text).map_err(|error| {
        InvalidEndpoint::Url(match error {
            url::ParseError::RelativeUrlWithoutBase => "it does not begin with http:// or https://".to_owned(),
            other => other.to_string(),
        })
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(InvalidEndpoint::Scheme(url.scheme().chars().take(40).collect()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidEndpoint::UserInfo);
    }
    if url.port() == Some(0) {
        return Err(InvalidEndpoint::Port);
    }
    if let Some(why) = url.host().as_ref().and_then(unfindable) {
        return Err(InvalidEndpoint::Host(why));
    }
    url.set_fragment(None);
    // Percent-encoding may have made it longer.
    if too_long(url.as_str()) { Err(InvalidEndpoint::UrlTooLong) } else { Ok(url) }
}

/// Why no look-up can ever find a host (RFC 1035, section 2.3.4), if it is a name.
pub(crate) fn unfindable<S: AsRef<str>>(host: &Host<S>) -> Option<&'static str> {
    let Host::Domain(name) = host else { return None };
    // A full stop at the end says that the name is complete, and is no part of it.
    let name = name.as_ref().strip_suffix('.').unwrap_or(name.as_ref());
    let parts = || name.split('.');
    if parts().any(|part| part.len() > LONGEST_LABEL) {
        Some("a part of its name is longer than 63 characters")
    } else if name.len() > LONGEST_HOST {
        Some("its name is longer than 253 characters")
    } else if parts().any(str::is_empty) {
        Some("a part of its name is empty")
    } else {
        None
    }
}

/// Checks the headers that a user adds to the requests of an endpoint.
pub fn check_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), InvalidHeaders> {
    headers::check(headers, not_settable)
}

/// All that is wrong with them.
pub fn wrong_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<InvalidHeaders> {
    headers::check_all(headers, not_settable)
}

/// Why a header, in lower case, cannot be set for an endpoint.
fn not_settable(name: &str) -> Option<&'static str> {
    Some(match name {
        "host" => "it comes from the URL.",
        "expect" => "Kanca sends the body at once.",
        _ if name.starts_with("content-") => "it comes from the webhook's format and the event.",
        _ if name.starts_with("webhook-") => "it is part of the signature, which Kanca makes.",
        _ if name.starts_with("kanca-") => "names that begin with “kanca-” are Kanca's own.",
        "ce-specversion" | "ce-id" | "ce-source" | "ce-type" | "ce-time" => {
            "it is part of CloudEvents, which Kanca writes."
        }
        _ if headers::is_hop_by_hop(name) => "it belongs to the connection, which Kanca manages.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_200_characters() {
        assert_eq!(check_name(" Sipariş 1 "), Ok("Sipariş 1"));
        assert!(check_name(&"ş".repeat(200)).is_ok());
        for name in ["", "  ", "a\nb", "\0", &"a".repeat(201)] {
            assert_eq!(check_name(name), Err(InvalidEndpoint::Name), "{name:?}");
        }
    }

    #[test]
    fn a_url_is_normalised() {
        for (text, url) in [
            ("https://example.com", "https://example.com/"),
            (" HTTPS://Example.COM:443/a/../b?c#d ", "https://example.com/b?c"),
            ("http://example.com:8080/ş", "http://example.com:8080/%C5%9F"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("http:example.com", "http://example.com/"),
            ("http://[::1]/", "http://[::1]/"),
        ] {
            assert_eq!(check_url(text).unwrap().as_str(), url);
        }
    }

    #[test]
    fn other_urls_are_refused_with_the_reason() {
        use InvalidEndpoint::{Port, Scheme, Url, UrlTooLong, UserInfo};
        let long = |n: usize, c: &str| format!("https://a.b/{}", c.repeat(n));
        for (text, problem) in [
            ("ftp://example.com/", Scheme("ftp".into())),
            ("javascript:alert(1)", Scheme("javascript".into())),
            ("file:///etc/passwd", Scheme("file".into())),
            ("example.com:443", Scheme("example.com".into())),
            ("https://user@example.com/", UserInfo),
            ("https://user:pass@example.com/", UserInfo),
            ("https://:pass@example.com/", UserInfo),
            ("http://example.com:0/", Port),
            (&long(2_037, "a"), UrlTooLong),
            (&long(1_000, "ş"), UrlTooLong),
        ] {
            assert_eq!(check_url(text), Err(problem), "{text}");
        }
        assert!(check_url(&long(2_036, "a")).is_ok());
        let host = |name: String| check_url(&format!("https://{name}/"));
        let of_length = |n: usize| format!("{}.{}", vec!["a".repeat(63); 3].join("."), "b".repeat(n - 192));
        for (name, why) in [
            (format!("{}.example", "a".repeat(64)), "a part of its name is longer than 63 characters"),
            (format!("{}.example", "ş".repeat(60)), "a part of its name is longer than 63 characters"),
            (of_length(254), "its name is longer than 253 characters"),
            ("a..example".into(), "a part of its name is empty"),
        ] {
            assert_eq!(host(name.clone()), Err(InvalidEndpoint::Host(why)), "{name}");
        }
        for name in [format!("{}.example", "a".repeat(63)), of_length(253), format!("{}.", of_length(253))] {
            assert!(host(name.clone()).is_ok(), "{name}: {:?}", host(name.clone()));
        }
        for text in
            ["", "example.com/hook", "/hook", "http://", "https://", "http://a b/", "http://a:99999/", "http://[::1"]
        {
            assert!(matches!(check_url(text), Err(Url(_))), "{text}: {:?}", check_url(text));
        }
    }

    #[test]
    fn headers_of_the_protocol_are_refused() {
        for name in [
            "Host",
            "content-type",
            "Content-Length",
            "Content-Anything",
            "Connection",
            "Transfer-Encoding",
            "TE",
            "Upgrade",
            "Expect",
            "Webhook-Id",
            "webhook-signature",
            "Kanca-Hops",
            "CE-Id",
            "trailer",
            "keep-alive",
            "proxy-connection",
        ] {
            let checked = check_headers([(name, "x")]);
            assert!(matches!(checked, Err(InvalidHeaders::Refused { .. })), "{name}");
        }
        assert_eq!(
            check_headers([("Authorization", "Bearer x"), ("X-Host", "y"), ("accept", "*/*"), ("ce-tenant", "7")]),
            Ok(())
        );
    }

    #[test]
    fn statuses_and_orderings_are_lower_case_words() {
        for status in [EndpointStatus::Active, EndpointStatus::Paused, EndpointStatus::Disabled] {
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.as_str()));
        }
        for ordering in [Ordering::Key, Ordering::None] {
            assert_eq!(serde_json::to_string(&ordering).unwrap(), format!("\"{}\"", ordering.as_str()));
        }
        assert!(EndpointStatus::Paused.takes_events() && !EndpointStatus::Paused.sends());
        assert!(!EndpointStatus::Disabled.takes_events());
    }
}
