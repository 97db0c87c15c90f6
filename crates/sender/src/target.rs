//! A URL taken apart: whom to dial ([`Origin`]), what to ask for, and what to call oneself there (`host`).
//!
//! The `url` crate reads the URL as browsers do, so decimal, octal and hexadecimal spellings of an IPv4 address become
//! the address, and an international name its punycode, before anything is looked up.

use crate::failures::invalid_url;
use kanca_engine::ports::{Route, SendFailure};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use url::{Host, Url};

/// Whom a connection leads to; connections are shared by requests of an equal origin only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// To Kanca's own listener, whatever the host is.
    pub own_inbox: bool,
    pub tls: bool,
    pub host: Host<String>,
    pub port: u16,
}

/// A request's URL, ready to be used.
#[derive(Debug)]
pub struct Target {
    pub origin: Origin,
    /// Path and query.
    pub path: String,
    /// Host, and the port unless it is the scheme's own.
    pub host: String,
}

impl Target {
    /// Reads an absolute http or https URL.
    pub fn parse(text: &str, route: Route) -> Result<Self, SendFailure> {
        let url = Url::parse(text).map_err(|error| invalid_url(format!("the URL cannot be read: {error}")))?;
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(invalid_url(format!("{other}: cannot be dialled, use http or https"))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid_url("the URL carries a user or password: use headers"));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(invalid_url("the URL has no host"));
        };
        if port == 0 {
            return Err(invalid_url("nothing listens on port 0"));
        }
        let host_header = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        let own_inbox = route == Route::OwnInbox;
        Ok(Self {
            host: sendable(host_header)?,
            path: path_and_query(&url)?,
            origin: Origin { own_inbox, tls: secure && !own_inbox, host: host.to_owned(), port },
        })
    }
}

/// Targets by URL: an endpoint's URL is read once and not for each delivery.
#[derive(Default)]
pub struct Targets {
    guarded: Mutex<HashMap<String, Arc<Target>>>,
    own_inbox: Mutex<HashMap<String, Arc<Target>>>,
}

/// Targets remembered; with more URLs than that the memory starts afresh.
const MOST: usize = 1024;

/// Longer URLs are not worth the memory.
const LONGEST: usize = 1024;

impl Targets {
    /// What `url` leads to by this route.
    pub fn of(&self, url: &str, route: Route) -> Result<Arc<Target>, SendFailure> {
        let known = match route {
            Route::Guarded => &self.guarded,
            Route::OwnInbox => &self.own_inbox,
        };
        if let Some(target) = known.lock().get(url) {
            return Ok(Arc::clone(target));
        }
        let target = Arc::new(Target::parse(url, route)?);
        if url.len() <= LONGEST {
            let mut known = known.lock();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(url.to_owned(), Arc::clone(&target));
        }
        Ok(target)
    }
}

fn path_and_query(url: &Url) -> Result<String, SendFailure> {
    sendable(match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    })
}

/// What is written into a request's head, where a blank or a line break would be the end of it. The `url` crate has
/// escaped them; this makes it certain.
fn sendable(text: String) -> Result<String, SendFailure> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(invalid_url("host, path or query cannot be sent"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the URL and shows what would be dialled and said.
    fn check(url: &str, expected: &str) {
        let shown = match Target::parse(url, Route::Guarded) {
            Ok(Target { origin, path, host }) => {
                format!("{} {} tls={} host={host} {path}", origin.host, origin.port, origin.tls)
            }
            Err(failure) => format!("{:?}", failure.kind),
        };
        assert_eq!(shown, expected, "{url}");
    }

    #[test]
    fn urls_are_taken_apart() {
        check("http://example.com", "example.com 80 tls=false host=example.com /");
        check("https://example.com:443/a?b=c#d", "example.com 443 tls=true host=example.com /a?b=c");
        check("https://EXAMPLE.com:8443/a b", "example.com 8443 tls=true host=example.com:8443 /a%20b");
        check("http://example.com./", "example.com. 80 tls=false host=example.com. /");
        check("http://[2001:db8::1]:81/", "[2001:db8::1] 81 tls=false host=[2001:db8::1]:81 /");
        check("https://çiçek.example/ş", "xn--iek-1lab.example 443 tls=true host=xn--iek-1lab.example /%C5%9F");
        check("http://h/?q={}|^`\"'<>", "h 80 tls=false host=h /?q={}|^`%22%27%3C%3E");
    }

    #[test]
    fn every_spelling_of_an_address_is_the_address() {
        for spelling in ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.01", "127.1", "127.0.0.1.", "①②⑦.0.0.1"] {
            check(&format!("http://{spelling}/"), "127.0.0.1 80 tls=false host=127.0.0.1 /");
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        for url in [
            "",
            "example.com",
            "/path",
            "ftp://example.com/",
            "file:///etc/passwd",
            "data:,x",
            "http://",
            "http:///",
            "http://example.com:0/",
            "http://example.com:70000/",
            "http://user@example.com/",
            "http://:secret@example.com/",
            "http://[::1%25eth0]/",
            "http://exa mple.com/",
            "http://1.2.3.4.5/",
        ] {
            check(url, "InvalidUrl");
        }
    }
}
