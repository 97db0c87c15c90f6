//! Forward proxies: whom an endpoint's requests are sent through.
//!
//! A proxy is only ever asked for an address that was checked here, never for a name, so it cannot be used to reach what
//! the [address guard](crate::addresses) refuses; its own host has to pass the guard, too.

use crate::endpoints::unfindable;
use std::fmt;
use url::{Host, Url};

/// The longest user name or password in bytes (RFC 1929 has one byte for the length).
pub const MAX_CREDENTIAL_LENGTH: usize = 255;

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyKind {
    /// HTTP/1.1 `CONNECT` (RFC 9110, section 9.3.6).
    Http,
    /// SOCKS version 5 (RFC 1928).
    Socks5,
}

/// A proxy, ready to be dialled. Two are equal when a connection through one is as good as one through the other.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    pub kind: ProxyKind,
    /// To be shown to [`AddressRules::check_host`](crate::addresses::AddressRules::check_host) when entered.
    pub host: Host<String>,
    pub port: u16,
    /// User name and password.
    pub credentials: Option<(String, String)>,
}

/// Why something is no proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxy {
    /// Not a URL; holds the parser's words.
    #[error("this is not a proxy's URL ({0}); write http://host:port or socks5://host:port")]
    Url(String),
    /// A scheme other than http and socks5.
    #[error(
        "the proxy's URL begins with “{0}:”; only http and socks5 can be used (names are always looked up by Kanca itself)"
    )]
    Scheme(String),
    /// A user name or password before the host.
    #[error(
        "the proxy's URL contains a user name or password; put them into the fields username and password, where they are kept secret"
    )]
    UserInfo,
    /// Something after host and port.
    #[error("the proxy's URL has a path, query or fragment; write only http://host:port or socks5://host:port")]
    Path,
    /// Port 0, at which nothing can listen.
    #[error("port 0 cannot be used; write the proxy's port")]
    Port,
    /// A name that the domain name system cannot hold.
    #[error("the proxy's host can never be found: {0}; write its name or address")]
    Host(&'static str),
    /// The user name is empty, too long, or has characters that cannot be sent.
    #[error("the user name must have 1 to {MAX_CREDENTIAL_LENGTH} bytes and no control characters{}", if *.colon { "; with an HTTP proxy it cannot have a colon" } else { "" })]
    Username {
        /// Whether there is a colon where there must be none (RFC 7617, section 2).
        colon: bool,
    },
    /// The password is too long or has characters that cannot be sent.
    #[error("the password must have at most {MAX_CREDENTIAL_LENGTH} bytes and no control characters")]
    Password,
    /// A password alone.
    #[error("a password needs a user name")]
    PasswordAlone,
}

impl InvalidProxy {
    /// The field to be mended: `url`, `username` or `password`.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Url(_) | Self::Scheme(_) | Self::UserInfo | Self::Path | Self::Port | Self::Host(_) => "url",
            Self::Username { .. } | Self::PasswordAlone => "username",
            Self::Password => "password",
        }
    }
}

impl Proxy {
    /// Reads `http://host:port` or `socks5://host:port`. Without a port it is 80, or 1080 for SOCKS. Whether the host
    /// may be reached is another question, asked of [`addresses`](crate::addresses).
    pub fn parse(url: &str, username: Option<&str>, password: Option<&str>) -> Result<Self, InvalidProxy> {
        let url = Url::parse(url).map_err(|error| InvalidProxy::Url(error.to_string()))?;
        let kind = match url.scheme() {
            "http" => ProxyKind::Http,
            "socks5" => ProxyKind::Socks5,
            other => return Err(InvalidProxy::Scheme(other.chars().take(40).collect())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidProxy::UserInfo);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidProxy::Path);
        }
        // The host of a scheme that browsers do not know is left as it is; read again, every spelling of an address
        // becomes the address.
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| InvalidProxy::Url("it has no host".into()))?;
        let host = Host::parse(host).map_err(|error| InvalidProxy::Url(error.to_string()))?;
        let port = url.port_or_known_default().unwrap_or(1080);
        if port == 0 {
            return Err(InvalidProxy::Port);
        }
        if let Some(why) = unfindable(&host) {
            return Err(InvalidProxy::Host(why));
        }
        Ok(Self { kind, host, port, credentials: credentials(kind, username, password)? })
    }
}

fn credentials(
    kind: ProxyKind,
    username: Option<&str>,
    password: Option<&str>,
) -> Result<Option<(String, String)>, InvalidProxy> {
    let can_be_sent = |text: &str| text.len() <= MAX_CREDENTIAL_LENGTH && !text.contains(char::is_control);
    let Some(username) = username else {
        return if password.is_some() { Err(InvalidProxy::PasswordAlone) } else { Ok(None) };
    };
    let colon = kind == ProxyKind::Http && username.contains(':');
    if username.is_empty() || colon || !can_be_sent(username) {
        return Err(InvalidProxy::Username { colon });
    }
    let password = password.unwrap_or_default();
    if !can_be_sent(password) {
        return Err(InvalidProxy::Password);
    }
    Ok(Some((username.to_owned(), password.to_owned())))
}

/// Never the password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = if self.credentials.is_some() { "user@" } else { "" };
        write!(f, "{:?}://{credentials}{}:{}", self.kind, self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::AddressRules;

    fn check(url: &str, expected: &str) {
        let shown = match Proxy::parse(url, None, None) {
            Ok(proxy) => format!("{proxy:?}"),
            Err(error) => error.to_string(),
        };
        assert!(shown.starts_with(expected), "{url}: {shown}");
    }

    #[test]
    fn a_proxy_is_a_scheme_a_host_and_a_port() {
        check("http://proxy.example:3128", "Http://proxy.example:3128");
        check("HTTP://Proxy.Example", "Http://proxy.example:80");
        check("socks5://proxy.example", "Socks5://proxy.example:1080");
        check("socks5://proxy.example:80/", "Socks5://proxy.example:80");
        check("socks5://Bücher.example:1", "Socks5://xn--bcher-kva.example:1");
        check("socks5://[2606:4700::1]:1", "Socks5://[2606:4700::1]:1");
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        check("proxy.example:3128", "the proxy's URL begins with “proxy.example:”");
        check("https://proxy.example", "the proxy's URL begins with “https:”");
        check("socks5h://proxy.example", "the proxy's URL begins with “socks5h:”; only http and socks5");
        check("socks4://proxy.example", "the proxy's URL begins with “socks4:”");
        check("http://user:pass@proxy.example", "the proxy's URL contains a user name");
        check("socks5://user@proxy.example", "the proxy's URL contains a user name");
        check("http://proxy.example/path", "the proxy's URL has a path");
        check("socks5://proxy.example?a", "the proxy's URL has a path");
        check("http://proxy.example/#a", "the proxy's URL has a path");
        check("http://proxy.example:0", "port 0");
        for url in
            ["", "proxy", "http://", "socks5:", "socks5:///", "socks5://a b", "socks5://1.2.3.4.5", "http://h:99999"]
        {
            check(url, "this is not a proxy's URL");
        }
    }

    #[test]
    fn every_spelling_of_a_proxys_address_is_the_address() {
        for host in ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "%31%32%37.1", "①②⑦.1"]
        {
            for scheme in ["http", "socks5"] {
                let proxy = Proxy::parse(&format!("{scheme}://{host}:81"), None, None).unwrap();
                assert_eq!(proxy.host, Host::<String>::Ipv4(std::net::Ipv4Addr::LOCALHOST), "{scheme} {host}");
                assert!(AddressRules::default().check_host(&proxy.host).is_err());
            }
        }
    }

    #[test]
    fn credentials_must_be_fit_to_be_sent() {
        let read = |url: &str, username, password| {
            Proxy::parse(url, username, password).map(|proxy| proxy.credentials).map_err(|error| error.field())
        };
        let pair = |username: &str, password: &str| Ok(Some((username.to_owned(), password.to_owned())));
        let (http, socks) = ("http://p.example", "socks5://p.example");
        let long = "x".repeat(256);
        assert_eq!(read(http, Some("ş"), Some("a:b")), pair("ş", "a:b"));
        assert_eq!(read(socks, Some("a:b"), None), pair("a:b", ""));
        assert_eq!(read(http, Some("a:b"), None), Err("username"));
        assert_eq!(read(http, None, Some("x")), Err("username"));
        assert_eq!(read(socks, Some(""), Some("x")), Err("username"));
        assert_eq!(read(socks, Some(&long), Some("x")), Err("username"));
        assert_eq!(read(http, Some("a\r\nb"), Some("x")), Err("username"));
        assert_eq!(read(socks, Some("a"), Some(&long)), Err("password"));
        assert_eq!(read(http, Some("a"), Some("\0")), Err("password"));
        let shown = format!("{:?}", Proxy::parse(http, Some("anna"), Some("geheim")).unwrap());
        assert_eq!(shown, "Http://user@p.example:80");
    }
}
