//! Which URLs lead to an inbox of this very Kanca: the one exemption from the address guard.

use super::Slug;
use url::Url;

/// The inbox that a URL leads to, if it has scheme, host and port of the public origin and a path `/in/{slug}[/…]`.
///
/// The caller still has to ask whether that inbox exists. As the exemption lets a request pass to Kanca's own listener,
/// nothing else than an inbox may be reached by it: dot segments are resolved by the URL parser, and a path in which a
/// dot, a slash or a backslash is percent-encoded, however often over, is not one's own.
pub fn inbox_of_own_url(url: &Url, public_origin: &Url) -> Option<Slug> {
    let same_origin = url.scheme() == public_origin.scheme()
        && url.host().is_some()
        && url.host() == public_origin.host()
        && url.port_or_known_default() == public_origin.port_or_known_default();
    if !same_origin || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let path = url.path();
    if hides_a_segment(path) {
        return None;
    }
    path.strip_prefix("/in/")?.split('/').next()?.parse().ok()
}

fn hides_a_segment(path: &str) -> bool {
    let mut path = path.to_ascii_lowercase();
    while path.contains("%25") {
        path = path.replace("%25", "%");
    }
    ["%2e", "%2f", "%5c", "\\"].iter().any(|hidden| path.contains(hidden))
        || path.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inbox(url: &str, origin: &str) -> Option<String> {
        let url = Url::parse(url).unwrap();
        inbox_of_own_url(&url, &Url::parse(origin).unwrap()).map(|slug| slug.to_string())
    }

    #[test]
    fn ones_own_inbox_is_recognised_however_the_url_is_written() {
        for (url, origin) in [
            ("http://127.0.0.1:8080/in/abc", "http://127.0.0.1:8080"),
            ("http://127.1:8080/in/abc/", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/in/abc/any/path?query=../..", "http://127.0.0.1:8080/"),
            ("HTTPS://Kanca.Example:443/in/abc", "https://kanca.example"),
            ("https://kanca.example/x/../in/abc", "https://kanca.example"),
            ("https://kanca.example/in/x/../abc/./y", "https://kanca.example"),
            ("https://kanca.example\\in\\abc", "https://kanca.example"),
            ("https://kanca.example/in/abc//x", "https://kanca.example"),
            ("https://kanca.example/in/abc/100%25/%C5%9F", "https://kanca.example"),
            ("http://[::1]:8080/in/abc", "http://[0:0::1]:8080"),
        ] {
            assert_eq!(inbox(url, origin).as_deref(), Some("abc"), "{url}");
        }
    }

    #[test]
    fn nothing_else_is_ones_own() {
        let origin = "http://kanca.example:8080";
        for url in [
            "https://kanca.example:8080/in/abc",
            "http://kanca.example/in/abc",
            "http://kanca.example:8081/in/abc",
            "http://other.example:8080/in/abc",
            "http://kanca.example.:8080/in/abc",
            "http://kanca.example:8080@evil.example/in/abc",
            "http://user@kanca.example:8080/in/abc",
            "http://kanca.example:8080/",
            "http://kanca.example:8080/in",
            "http://kanca.example:8080/in/",
            "http://kanca.example:8080/in/ab",
            "http://kanca.example:8080/in/ABC",
            "http://kanca.example:8080/In/abc",
            "http://kanca.example:8080//in/abc",
            "http://kanca.example:8080/in//abc",
            "http://kanca.example:8080/api/v1/in/abc",
            "http://kanca.example:8080/in/abc/../../api/v1/events",
            "http://kanca.example:8080/in/abc/%2e%2e/%2E%2e/api",
            "http://kanca.example:8080/in/abc/.%2e/..",
            "http://kanca.example:8080/in/abc\\..\\..\\api",
            "http://kanca.example:8080/in/abc/..%2f..%2fapi",
            "http://kanca.example:8080/in/abc%2f..%2f..%2fapi",
            "http://kanca.example:8080/in/abc/..%5C..%5Capi",
            "http://kanca.example:8080/in/abc/%252e%252e/api",
            "http://kanca.example:8080/in/abc/..%25252fapi",
            "http://kanca.example:8080/in%2fabc",
            "http://kanca.example:8080/%69n/abc",
            "http://kanca.example:8080/in/%61bc",
            "ftp://kanca.example:8080/in/abc",
        ] {
            assert_eq!(inbox(url, origin), None, "{url}");
        }
        assert_eq!(inbox("mailto:in/abc", "mailto:in/abc"), None);
    }

    proptest! {
        #[test]
        fn a_path_that_is_ones_own_stays_below_its_inbox_when_decoded(
            path in r"(/|\\|\.|%2e|%2F|%5c|%25|2e|2f|in|abc|api){0,12}",
        ) {
            let url = Url::parse(&format!("http://a/in/abc{path}")).unwrap();
            if let Some(slug) = inbox_of_own_url(&url, &Url::parse("http://a").unwrap()) {
                let mut decoded = url.path().to_ascii_lowercase();
                for _ in 0..12 {
                    decoded = decoded.replace("%25", "%").replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
                }
                let again = Url::parse(&format!("http://a{decoded}")).unwrap();
                let below = format!("/in/{slug}");
                prop_assert!(again.path() == below || again.path().starts_with(&format!("{below}/")), "{url} {again}");
            }
        }
    }
}
