//! Asks a forward proxy for a connection to one checked address.
//!
//! `CONNECT` also for http receivers, and not the absolute form: with that a proxy writes the Host header itself, which
//! would be an address instead of the name, and it would see and keep what is sent. In a tunnel the receiver gets the
//! same bytes as without a proxy. SOCKS5 by hand, as all that is used of it are three short messages. Nothing is read
//! beyond a proxy's answer: what follows is the receiver's.

use crate::failures::from_io;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kanca_engine::ports::SendFailureKind::{ProxyAnswer, ProxyAuth, ProxyRefused};
use kanca_engine::ports::{Proxy, ProxyKind, SendFailure, SendFailureKind};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of the head of an answer to `CONNECT`.
const HEAD_LIMIT: usize = 16 * 1024;

/// Afterwards `socket` is a connection to `target`.
pub async fn open<S>(socket: &mut S, proxy: &Proxy, target: SocketAddr) -> Result<(), SendFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let credentials = proxy.credentials.as_ref().map(|(username, password)| (username.as_str(), password.as_str()));
    match proxy.kind {
        ProxyKind::Http => connect(socket, credentials, target).await,
        ProxyKind::Socks5 => socks5(socket, credentials, target).await,
    }
}

/// RFC 9110, section 9.3.6.
async fn connect<S>(socket: &mut S, credentials: Option<(&str, &str)>, target: SocketAddr) -> Result<(), SendFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let authorization = match credentials {
        None => String::new(),
        Some((username, password)) => {
            format!("proxy-authorization: Basic {}\r\n", STANDARD.encode(format!("{username}:{password}")))
        }
    };
    let head = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{authorization}\r\n");
    socket.write_all(head.as_bytes()).await.map_err(|error| broken(&error))?;

    let mut answer = Vec::with_capacity(512);
    let end = loop {
        // The end may have begun in what was read before.
        if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let is_status = b"HTTP/1.".iter().zip(&answer).all(|(a, b)| a == b);
        if !is_status {
            return Err(bad_answer("what it says is not HTTP/1.1"));
        }
        if answer.len() >= HEAD_LIMIT {
            return Err(bad_answer("the head of its answer exceeds 16 KiB"));
        }
        if socket.read_buf(&mut answer).await.map_err(|error| broken(&error))? == 0 {
            return Err(bad_answer("it closed the connection before its answer was complete"));
        }
    };
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.get("HTTP/1.1 ".len()..).unwrap_or_default());
    let line: String = line.chars().filter(|c| !c.is_control()).take(80).collect();
    let status = line.get(..3).and_then(|digits| digits.parse::<u16>().ok()).filter(|status| *status >= 200);
    match (status, credentials) {
        (Some(200..=299), _) if answer.len() > end => Err(bad_answer("it sent more than its answer")),
        (Some(200..=299), _) => Ok(()),
        (Some(407), None) => Err(failure(ProxyAuth, "it asks for a user name and password")),
        (Some(407), Some(_)) => Err(failure(ProxyAuth, "it does not accept this user name and password")),
        (Some(_), _) => Err(failure(ProxyRefused, format!("asked for {target} it answered {}", line.trim()))),
        (None, _) => Err(bad_answer("what it says is not HTTP/1.1")),
    }
}

/// RFC 1928, and RFC 1929 for user name and password.
async fn socks5<S>(socket: &mut S, credentials: Option<(&str, &str)>, target: SocketAddr) -> Result<(), SendFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    const VERSION: u8 = 5;
    const NO_AUTHENTICATION: u8 = 0;
    const USERNAME_PASSWORD: u8 = 2;
    const NONE_ACCEPTABLE: u8 = 0xff;
    let not_socks = || bad_answer("what it says is not SOCKS5");

    let methods: &[u8] = match credentials {
        None => &[VERSION, 1, NO_AUTHENTICATION],
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USERNAME_PASSWORD],
    };
    let method = match (ask::<2, _>(socket, methods).await?, credentials) {
        ([VERSION, NONE_ACCEPTABLE], None) => return Err(failure(ProxyAuth, "it asks for a user name and password")),
        ([VERSION, NONE_ACCEPTABLE], Some(_)) => {
            return Err(failure(ProxyAuth, "it asks for another kind of authentication"));
        }
        ([VERSION, method], _) => method,
        _ => return Err(not_socks()),
    };
    match (method, credentials) {
        (NO_AUTHENTICATION, _) => {}
        (USERNAME_PASSWORD, Some((username, password))) => {
            let mut message = vec![1];
            for text in [username, password] {
                message.push(u8::try_from(text.len()).map_err(|_| failure(ProxyAuth, "the user name is too long"))?);
                message.extend_from_slice(text.as_bytes());
            }
            let [_, status] = ask(socket, &message).await?;
            if status != 0 {
                return Err(failure(ProxyAuth, "it does not accept this user name and password"));
            }
        }
        _ => return Err(not_socks()),
    }

    let mut request = vec![VERSION, 1, 0];
    match target.ip() {
        IpAddr::V4(ip) => {
            request.push(1);
            request.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            request.push(4);
            request.extend_from_slice(&ip.octets());
        }
    }
    request.extend_from_slice(&target.port().to_be_bytes());
    let [version, reply, _, kind] = ask(socket, &request).await?;
    if version != VERSION {
        return Err(not_socks());
    }
    if reply != 0 {
        return Err(failure(ProxyRefused, format!("asked for {target} it answered “{}”", reply_words(reply))));
    }
    // The address that it uses itself; of no interest, but it must be read.
    let rest = match kind {
        1 => 4 + 2,
        4 => 16 + 2,
        3 => usize::from(read::<1, _>(socket).await?[0]) + 2,
        _ => return Err(not_socks()),
    };
    socket.read_exact(&mut vec![0; rest]).await.map_err(|error| broken(&error))?;
    Ok(())
}

const fn reply_words(reply: u8) -> &'static str {
    match reply {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time exceeded",
        7 => "command not supported",
        8 => "kind of address not supported",
        _ => "an unknown failure",
    }
}

async fn ask<const N: usize, S>(socket: &mut S, message: &[u8]) -> Result<[u8; N], SendFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    socket.write_all(message).await.map_err(|error| broken(&error))?;
    read(socket).await
}

async fn read<const N: usize, S: AsyncRead + Unpin>(socket: &mut S) -> Result<[u8; N], SendFailure> {
    let mut bytes = [0; N];
    socket.read_exact(&mut bytes).await.map_err(|error| broken(&error))?;
    Ok(bytes)
}

fn failure(kind: SendFailureKind, detail: impl Into<String>) -> SendFailure {
    SendFailure { kind, detail: detail.into() }
}

fn bad_answer(detail: &str) -> SendFailure {
    failure(ProxyAnswer, detail)
}

fn broken(error: &io::Error) -> SendFailure {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => bad_answer("it closed the connection before its answer was complete"),
        _ => failure(ProxyAnswer, from_io(error).detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Host;

    /// Plays `answers` to whatever is sent and shows the result, and what was sent.
    async fn play(
        kind: ProxyKind,
        credentials: Option<(&str, &str)>,
        answers: &[u8],
    ) -> (Result<(), SendFailure>, Vec<u8>) {
        let credentials = credentials.map(|(username, password)| (username.to_owned(), password.to_owned()));
        let proxy = Proxy { kind, host: Host::Domain("p".into()), port: 1, credentials };
        let (mut near, mut far) = tokio::io::duplex(64 * 1024);
        far.write_all(answers).await.unwrap();
        far.shutdown().await.unwrap();
        let result = open(&mut near, &proxy, "[2606:4700::1]:443".parse().unwrap()).await;
        drop(near);
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).await.unwrap();
        (result, sent)
    }

    async fn check(
        kind: ProxyKind,
        credentials: Option<(&str, &str)>,
        answers: &[u8],
        expected: (SendFailureKind, &str),
    ) {
        let failure = play(kind, credentials, answers).await.0.unwrap_err();
        assert_eq!(failure.kind, expected.0, "{}", failure.detail);
        assert!(failure.detail.contains(expected.1), "{}", failure.detail);
    }

    #[tokio::test]
    async fn an_http_proxy_is_asked_for_the_address() {
        let (result, sent) = play(ProxyKind::Http, Some(("anna", "ş")), b"HTTP/1.0 200 OK\r\nx: y\r\n\r\n").await;
        assert_eq!(result, Ok(()));
        let expected = "CONNECT [2606:4700::1]:443 HTTP/1.1\r\nhost: [2606:4700::1]:443\r\n\
                        proxy-authorization: Basic YW5uYTrFnw==\r\n\r\n";
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }

    #[tokio::test]
    async fn an_http_proxy_can_answer_no_in_many_ways() {
        let check = async |answer: &[u8], kind, words| check(ProxyKind::Http, None, answer, (kind, words)).await;
        check(b"HTTP/1.1 403 Forbidden\r\n\r\n", ProxyRefused, "[2606:4700::1]:443 it answered 403 Forbidden").await;
        check(b"HTTP/1.1 502\r\n\r\n", ProxyRefused, "502").await;
        check(b"HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n", ProxyRefused, "302 Found").await;
        check(b"HTTP/1.1 407 x\r\n\r\n", ProxyAuth, "asks for a user name").await;
        check(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n", ProxyAnswer, "more than its answer").await;
        check(b"HTTP/1.1 abc\r\n\r\n", ProxyAnswer, "not HTTP/1.1").await;
        check(b"HTTP/1.1 100 Continue\r\n\r\n", ProxyAnswer, "not HTTP/1.1").await;
        check(b"HTTP/1.1 \xff\xff\xff\r\n\r\n", ProxyAnswer, "not HTTP/1.1").await;
        check(b"SSH-2.0-x\r\n", ProxyAnswer, "not HTTP/1.1").await;
        check(b"\x05\xff", ProxyAnswer, "not HTTP/1.1").await;
        check(b"", ProxyAnswer, "closed the connection").await;
        check(b"HTTP/1.1 200 OK\r\n", ProxyAnswer, "closed the connection").await;
        check(&[b"HTTP/1.1 200 OK\r\n".to_vec(), vec![b'x'; 20_000]].concat(), ProxyAnswer, "16 KiB").await;
    }

    #[tokio::test]
    async fn a_socks_proxy_is_asked_for_the_address() {
        let answers = [&[5, 2][..], &[1, 0], &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
        let (result, sent) = play(ProxyKind::Socks5, Some(("ab", "c")), &answers).await;
        assert_eq!(result, Ok(()));
        let address = [&[0x26, 0x06, 0x47][..], &[0; 12], &[1], &[1, 0xbb]].concat();
        assert_eq!(sent, [&[5, 2, 0, 2][..], &[1, 2, b'a', b'b', 1, b'c'], &[5, 1, 0, 4], &address].concat());
        for bound in [&[1, 0, 0, 0, 0, 0, 0][..], &[[4].as_slice(), &[0; 18]].concat(), &[3, 2, b'a', b'b', 0, 0]] {
            let answers = [&[5, 0, 5, 0, 0], bound].concat();
            assert_eq!(play(ProxyKind::Socks5, None, &answers).await.0, Ok(()));
        }
    }

    #[tokio::test]
    async fn a_socks_proxy_can_answer_no_in_many_ways() {
        let with = Some(("a", "b"));
        let check = async |credentials, answer: &[u8], kind, words| {
            check(ProxyKind::Socks5, credentials, answer, (kind, words)).await;
        };
        check(None, &[5, 0xff], ProxyAuth, "asks for a user name").await;
        check(with, &[5, 0xff], ProxyAuth, "another kind").await;
        check(with, &[5, 2, 1, 1], ProxyAuth, "does not accept").await;
        check(None, &[5, 0, 5, 2, 0, 1], ProxyRefused, "not allowed by its rules").await;
        check(None, &[5, 0, 5, 5, 0, 1], ProxyRefused, "connection refused").await;
        check(None, &[5, 0, 5, 99, 0, 1], ProxyRefused, "an unknown failure").await;
        check(None, &[5, 2], ProxyAnswer, "not SOCKS5").await;
        check(with, &[5, 1], ProxyAnswer, "not SOCKS5").await;
        check(None, &[4, 0], ProxyAnswer, "not SOCKS5").await;
        check(None, b"HTTP/1.1 400 Bad Request\r\n\r\n", ProxyAnswer, "not SOCKS5").await;
        check(None, &[5, 0, 5, 0, 0, 9], ProxyAnswer, "not SOCKS5").await;
        check(None, &[5, 0, 5, 0, 0, 1, 0], ProxyAnswer, "closed the connection").await;
        check(None, &[], ProxyAnswer, "closed the connection").await;
    }
}
