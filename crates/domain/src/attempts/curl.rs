//! A command line that repeats a request: for a POSIX shell, safe to paste whatever the request holds.
//!
//! The value of a secret header never appears; a shell variable named after the header stands in its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The longest body that is put on the command line itself; Linux allows 128 KiB for one argument. A larger one is
/// handed over by `printf`, which is part of the shell and has no such limit.
const LONGEST_ARGUMENT: usize = 64 * 1024;

/// Headers that curl works out by itself, from the URL and the body.
const LEFT_OUT: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

/// A header of the request to repeat.
#[derive(Debug, Clone, Copy)]
pub struct CurlHeader<'a> {
    /// The name; it must be a valid header name.
    pub name: &'a str,
    /// The value. It is not looked at if the header is secret.
    pub value: &'a [u8],
    /// Whether the value must not be shown.
    pub is_secret: bool,
}

/// The variable that stands for a secret header's value, without `$`: `X_API_KEY` for `x-api-key`.
pub fn placeholder(header_name: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name: String = header_name.chars().map(word).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The command that sends this very request: same method, headers and body bytes.
pub fn curl_command(method: &str, url: &str, headers: &[CurlHeader<'_>], body: &[u8]) -> String {
    let mut command = format!("curl -X {}", quoted(method));
    if url.contains(['[', ']', '{', '}']) {
        // Without it, curl takes brackets for a list of URLs.
        command.push_str(" --globoff");
    }
    command.push(' ');
    command.push_str(&quoted(url));
    for header in headers.iter().filter(|h| !LEFT_OUT.iter().any(|name| name.eq_ignore_ascii_case(h.name))) {
        command.push_str(" -H ");
        command.push_str(&header_argument(header));
    }
    if body.is_empty() {
        return command;
    }
    if !headers.iter().any(|header| header.name.eq_ignore_ascii_case("content-type")) {
        // Without it, curl says that the body is a form.
        command.push_str(" -H 'content-type:'");
    }
    match printable(body) {
        Some(text) if text.len() <= LONGEST_ARGUMENT => format!("{command} --data-raw {}", quoted(text)),
        Some(text) => format!("printf '%s' {} | {command} --data-binary @-", quoted(text)),
        None => format!("printf '%s' '{}' | base64 -d | {command} --data-binary @-", STANDARD.encode(body)),
    }
}

fn header_argument(header: &CurlHeader<'_>) -> String {
    let name = header.name;
    if header.is_secret {
        return format!("{}\"${}\"", quoted(&format!("{name}: ")), placeholder(name));
    }
    match printable(header.value) {
        // An empty value takes a semicolon; with a colon curl would leave the header out.
        Some("") => quoted(&format!("{name};")).into_owned(),
        Some(value) => quoted(&format!("{name}: {value}")).into_owned(),
        None => format!("{}\"$(printf '{}')\"", quoted(&format!("{name}: ")), printf_format(header.value)),
    }
}

/// The text, if a terminal shows it as it is. Line feeds and tabs are fine inside quotes; a carriage return would be
/// lost in copying.
fn printable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_fine = |c: char| matches!(c, '\n' | '\t') || !c.is_control() && !is_direction(c);
    text.chars().all(is_fine).then_some(text)
}

/// Characters that turn the direction of writing: with them a command looks like another one.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text as one word of a POSIX shell.
fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':' | b'@' | b'%' | b'+');
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

/// The bytes as the format of `printf` inside single quotes.
fn printf_format(bytes: &[u8]) -> String {
    let mut format = String::new();
    for byte in bytes {
        match byte {
            b'%' => format.push_str("%%"),
            b'\\' | b'\'' | 0..=31 | 127.. => {
                format.push('\\');
                for shift in [6, 3, 0] {
                    format.push(char::from(b'0' + (byte >> shift & 7)));
                }
            }
            _ => format.push(char::from(*byte)),
        }
    }
    format
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header<'a>(name: &'a str, value: &'a [u8]) -> CurlHeader<'a> {
        CurlHeader { name, value, is_secret: false }
    }

    #[test]
    fn a_delivery_reads_well() {
        let headers = [
            header("host", b"example.com"),
            header("content-type", b"application/json"),
            header("webhook-id", b"evt_1"),
            CurlHeader { name: "X-Api-Key", value: b"hunter2", is_secret: true },
            header("content-length", b"9"),
        ];
        assert_eq!(
            curl_command("POST", "https://example.com/a?b=1&c=[2]", &headers, br#"{"a":"'"}"#),
            concat!(
                "curl -X POST --globoff 'https://example.com/a?b=1&c=[2]' -H 'content-type: application/json' ",
                r#"-H 'webhook-id: evt_1' -H 'X-Api-Key: '"$X_API_KEY" --data-raw '{"a":"'\''"}'"#
            )
        );
    }

    #[test]
    fn odd_requests_are_repeated_exactly() {
        let one = |headers: &[CurlHeader<'_>], body: &[u8]| curl_command("PUT", "http://a/", headers, body);
        assert_eq!(one(&[], b""), "curl -X PUT http://a/");
        assert_eq!(one(&[], b"@file\n"), "curl -X PUT http://a/ -H 'content-type:' --data-raw '@file\n'");
        assert_eq!(
            one(&[], b"\0\xff"),
            "printf '%s' 'AP8=' | base64 -d | curl -X PUT http://a/ -H 'content-type:' --data-binary @-"
        );
        assert_eq!(one(&[header("x-empty", b"")], b""), "curl -X PUT http://a/ -H 'x-empty;'");
        assert_eq!(
            one(&[header("x", b"caf\xe9 100%'\\")], b""),
            r#"curl -X PUT http://a/ -H 'x: '"$(printf 'caf\351 100%%\047\134')""#
        );
        let large = one(&[], "ş".repeat(50_000).as_bytes());
        assert!(large.starts_with("printf '%s' ş") || large.starts_with("printf '%s' 'ş"), "{}", &large[..40]);
        assert!(large.ends_with("--data-binary @-"));
        assert_eq!(curl_command("$(x)", "http://a/`b`", &[], b""), "curl -X '$(x)' 'http://a/`b`'");
    }

    #[test]
    fn a_secret_has_a_variable_in_its_place() {
        for (name, variable) in [("authorization", "AUTHORIZATION"), ("X-Api-Key", "X_API_KEY"), ("1$`x", "_1__X")] {
            assert_eq!(placeholder(name), variable);
        }
        let secret = CurlHeader { name: "a$`b", value: b"hunter2", is_secret: true };
        assert_eq!(curl_command("GET", "http://a/", &[secret], b""), r#"curl -X GET http://a/ -H 'a$`b: '"$A__B""#);
    }

    /// What a real shell hands to curl: each argument, and what comes in through the pipe, between angle brackets.
    fn run_by_a_shell(command: &str) -> Vec<u8> {
        let script = format!("curl() {{ printf '<%s>' \"$@\"; case \"$*\" in *@-) cat;; esac; }}\n{command}");
        let shell =
            std::process::Command::new("sh").args(["-c", &script]).env("X_API_KEY", "from $HOME").output().unwrap();
        assert!(shell.status.success() && shell.stderr.is_empty(), "{command}\n{shell:?}");
        shell.stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn a_shell_hands_over_exactly_what_was_sent(
            value in r#"([a-z '"$`\\!*~#&;]|\PC){0,20}"#,
            raw in prop::collection::vec(128u8.., 1..20),
            body in prop_oneof![
                r#"([a-z '"$`\\!*\n]|\PC){1,20}"#.prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 1..40),
            ],
        ) {
            let url = format!("http://a/{}", value.replace(['[', ']', '{', '}'], ""));
            let headers = [
                header("x", value.as_bytes()),
                header("y", &raw),
                CurlHeader { name: "x-api-key", value: b"hunter2", is_secret: true },
                header("content-type", b"a/b"),
            ];
            let mut expected = format!("<-X><POST><{url}>").into_bytes();
            let x = if value.is_empty() { "x;".to_owned() } else { format!("x: {value}") };
            expected.extend_from_slice(format!("<-H><{x}><-H><y: ").as_bytes());
            expected.extend_from_slice(&raw);
            expected.extend_from_slice(b"><-H><x-api-key: from $HOME><-H><content-type: a/b>");
            if let Some(text) = printable(&body) {
                expected.extend_from_slice(format!("<--data-raw><{text}>").as_bytes());
            } else {
                expected.extend_from_slice(b"<--data-binary><@->");
                expected.extend_from_slice(&body);
            }
            prop_assert_eq!(run_by_a_shell(&curl_command("POST", &url, &headers, &body)), expected);
        }
    }
}
