//! Forward proxies: they carry what would have been sent directly, are asked for checked addresses only, and fail by name.

use crate::receiver::{Receiver, read_request};
use crate::story::{Names, fails, nowhere, request, settings};
use crate::tls::{authority, secure, signed};
use kanca_domain::proxies::{Proxy, ProxyKind};
use kanca_engine::ports::SendFailureKind::{
    self, Blocked, Dns, ProxyAnswer, ProxyAuth, ProxyRefused, ProxyUnreachable,
};
use kanca_engine::ports::{Method, OutgoingRequest, Route, Sender};
use kanca_sender::{GuardedClient, Roots, Settings};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

/// A proxy that does what it is asked, and remembers it.
struct Helpful {
    receiver: Receiver,
    kind: ProxyKind,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Helpful {
    /// Lets in whoever has this user name and password, if any is needed.
    async fn start(kind: ProxyKind, credentials: Option<(&'static str, &'static str)>) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let receiver = Receiver::start(move |socket| {
            let seen = Arc::clone(&seen);
            async move {
                match kind {
                    ProxyKind::Http => http(socket, credentials, &seen).await,
                    ProxyKind::Socks5 => socks5(socket, credentials, &seen).await,
                }
            }
        })
        .await;
        Self { receiver, kind, asked }
    }

    fn proxy(&self, credentials: Option<(&str, &str)>) -> Option<Arc<Proxy>> {
        self.called("127.0.0.1", credentials)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is what a request has")]
    fn called(&self, host: &str, credentials: Option<(&str, &str)>) -> Option<Arc<Proxy>> {
        let scheme = if self.kind == ProxyKind::Http { "http" } else { "socks5" };
        let url = format!("{scheme}://{host}:{}", self.receiver.address.port());
        let (username, password) = credentials.unzip();
        Some(Arc::new(Proxy::parse(&url, username, password).unwrap()))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn http(
    mut socket: TcpStream,
    credentials: Option<(&str, &str)>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap();
    asked.lock().unwrap().push(target.to_owned());
    // anna:geheim
    if credentials.is_some() && !head.contains("proxy-authorization: Basic YW5uYTpnZWhlaW0=\r\n") {
        return socket.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").await;
    }
    match TcpStream::connect(target).await {
        Err(_) => socket.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await,
        Ok(mut there) => {
            socket.write_all(b"HTTP/1.1 200 Connection established\r\nvia: me\r\n\r\n").await?;
            copy_bidirectional(&mut socket, &mut there).await.map(|_| ())
        }
    }
}

async fn socks5(
    mut socket: TcpStream,
    credentials: Option<(&str, &str)>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut start = [0; 2];
    socket.read_exact(&mut start).await?;
    let mut methods = vec![0; usize::from(start[1])];
    socket.read_exact(&mut methods).await?;
    if let Some((username, password)) = credentials {
        if !methods.contains(&2) {
            return socket.write_all(&[5, 0xff]).await;
        }
        socket.write_all(&[5, 2]).await?;
        let mut given = Vec::new();
        assert_eq!(socket.read_u8().await?, 1);
        for _ in 0..2 {
            let mut text = vec![0; usize::from(socket.read_u8().await?)];
            socket.read_exact(&mut text).await?;
            given.push(String::from_utf8(text).unwrap());
        }
        let is_right = given == [username, password];
        socket.write_all(&[1, u8::from(!is_right)]).await?;
    } else {
        socket.write_all(&[5, 0]).await?;
    }
    let mut wish = [0; 10];
    socket.read_exact(&mut wish).await?;
    assert_eq!(wish[..4], [5, 1, 0, 1], "connect to an IPv4 address");
    let ip: [u8; 4] = wish[4..8].try_into().unwrap();
    let target = SocketAddr::from((ip, u16::from_be_bytes([wish[8], wish[9]])));
    asked.lock().unwrap().push(target.to_string());
    match TcpStream::connect(target).await {
        Err(_) => socket.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await,
        Ok(mut there) => {
            socket.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
            copy_bidirectional(&mut socket, &mut there).await.map(|_| ())
        }
    }
}

/// A receiver at 127.0.0.2, which plays the public internet, that answers each request with its own head.
async fn echo() -> Receiver {
    Receiver::start_on("127.0.0.2", |mut socket| async move {
        while let Some(bytes) = read_request(&mut socket).await {
            socket.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len()).as_bytes()).await?;
            socket.write_all(&bytes).await?;
        }
        Ok(())
    })
    .await
}

/// A client to whom the addresses of proxy and receiver are open and no others.
fn client(names: &[&str]) -> GuardedClient {
    GuardedClient::new(&settings("127.0.0.1/32, 127.0.0.2/32", &Names::of(names), nowhere()))
}

const BOTH: [ProxyKind; 2] = [ProxyKind::Http, ProxyKind::Socks5];
const ANNA: Option<(&str, &str)> = Some(("anna", "geheim"));

#[tokio::test]
async fn the_receiver_gets_the_same_bytes_as_without_a_proxy() {
    for kind in BOTH {
        let receiver = echo().await;
        let proxy = Helpful::start(kind, ANNA).await;
        let client = client(&["hooks.example 127.0.0.2"]);
        let direct = client.send(request(receiver.url("hooks.example", "/a?b"))).await.result.unwrap();
        for turn in 0..3 {
            let sent = OutgoingRequest { proxy: proxy.proxy(ANNA), ..request(receiver.url("hooks.example", "/a?b")) };
            let sent = client.send(sent).await;
            assert_eq!(sent.timings.remote, Some(proxy.receiver.address));
            assert_eq!(sent.timings.reused, turn > 0);
            assert_eq!(sent.result.unwrap().body, direct.body, "{kind:?}");
        }
        assert_eq!(proxy.asked(), [receiver.address.to_string()], "asked once, for the address and not for the name");
        assert_eq!(receiver.accepted(), 2, "one connection with the proxy and one without");
    }
}

#[tokio::test]
async fn tls_goes_through_a_proxy_to_the_receiver() {
    let authority = authority();
    let (certificate, key) = signed(&["hooks.example"], &authority, 2099);
    let receiver = secure(certificate.der().clone(), &key).await;
    for kind in BOTH {
        let proxy = Helpful::start(kind, None).await;
        let settings = settings("127.0.0.1/32", &Names::of(&["hooks.example 127.0.0.1"]), nowhere());
        let client = GuardedClient::new(&Settings { roots: Roots::Only(vec![authority.der().clone()]), ..settings });
        let url = format!("https://hooks.example:{}/", receiver.address.port());
        let sent = client.send(OutgoingRequest { proxy: proxy.proxy(None), ..request(url) }).await;
        assert_eq!(sent.result.unwrap().status, 200);
        assert!(sent.timings.tls_us.is_some() && sent.timings.connect_us.is_some());
        assert_eq!(proxy.asked(), [receiver.address.to_string()]);
    }
}

#[tokio::test]
async fn connections_are_shared_by_equal_proxies_only() {
    let receiver = echo().await;
    let (one, other) = (Helpful::start(ProxyKind::Http, None).await, Helpful::start(ProxyKind::Socks5, None).await);
    let client = client(&[]);
    for proxy in [one.proxy(None), other.proxy(None), None, one.proxy(ANNA), one.proxy(None), other.proxy(None), None] {
        let sent = OutgoingRequest { proxy, ..request(receiver.url("127.0.0.2", "/")) };
        assert_eq!(client.send(sent).await.result.unwrap().status, 200);
    }
    assert_eq!((one.asked().len(), other.asked().len(), receiver.accepted()), (2, 1, 4));
}

#[tokio::test]
async fn no_proxy_gets_round_the_guard() {
    for kind in BOTH {
        let receiver = echo().await;
        let proxy = Helpful::start(kind, None).await;
        let check = async |client: &GuardedClient, proxy, url: String, words: &str| {
            let (kind, detail) = fails(client, OutgoingRequest { proxy, ..request(url) }).await;
            assert_eq!(kind, Blocked, "{detail}");
            assert!(detail.contains(words), "{detail}");
        };
        // The receiver is private; that the proxy could reach it does not matter.
        let names =
            ["private.example 127.0.0.3", "metadata.example 169.254.169.254", "moving.example 127.0.0.2 / 127.0.0.3"];
        let open = client(&names);
        for host in [
            "127.0.0.3",
            "0x7f000003",
            "127.0.0.3.",
            "[::ffff:7f00:3]",
            "10.0.0.1",
            "private.example",
            "metadata.example",
        ] {
            check(&open, proxy.proxy(None), receiver.url(host, "/"), "the address").await;
        }
        assert_eq!(proxy.receiver.accepted(), 0, "the proxy was not even dialled");
        // A name that leads elsewhere at the second look-up: the first connection is closed after its answer.
        let moving = || OutgoingRequest {
            proxy: proxy.proxy(None),
            response_limit: 0,
            ..request(receiver.url("moving.example", "/"))
        };
        assert_eq!(open.send(moving()).await.result.unwrap().status, 200);
        check(&open, proxy.proxy(None), receiver.url("moving.example", "/"), "127.0.0.3").await;
        assert_eq!(proxy.asked(), [receiver.address.to_string()]);

        // The proxy is private, by address or by name.
        let names = Names::of(&["proxy.example 127.0.0.1", "mixed.example 127.0.0.1, 10.0.0.1"]);
        let strict = GuardedClient::new(&settings("127.0.0.2/32", &names, nowhere()));
        for host in ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "proxy.example", "mixed.example"] {
            let through = proxy.called(host, None);
            check(&strict, through, receiver.url("127.0.0.2", "/"), "the proxy cannot be used: the address").await;
        }
        assert_eq!(proxy.receiver.accepted(), 1);
    }
}

#[tokio::test]
async fn of_several_addresses_the_proxy_is_asked_for_the_next_when_it_cannot_reach_one() {
    let receiver = echo().await;
    let proxy = Helpful::start(ProxyKind::Socks5, None).await;
    // Nobody listens at this port of 127.0.0.1; 10.0.0.1 is refused here and never asked for.
    let client = client(&["two.example 10.0.0.1, 127.0.0.1, 127.0.0.2"]);
    let sent = OutgoingRequest { proxy: proxy.proxy(None), ..request(receiver.url("two.example", "/")) };
    assert_eq!(client.send(sent).await.result.unwrap().status, 200);
    let port = receiver.address.port();
    assert_eq!(proxy.asked(), [format!("127.0.0.1:{port}"), format!("127.0.0.2:{port}")]);
}

#[tokio::test]
async fn what_a_proxy_does_wrong_is_named() {
    async fn check(proxy: Option<Arc<Proxy>>, kind: SendFailureKind, words: &str) {
        let client = client(&["hooks.example 127.0.0.2", "proxy.example 127.0.0.1"]);
        let sent = OutgoingRequest { proxy, timeout: Duration::from_millis(400), ..request("http://hooks.example:1/") };
        let (actual, detail) = fails(&client, sent).await;
        assert_eq!(actual, kind, "{detail}");
        assert!(detail.contains(words) && !detail.contains("geheim"), "{detail}");
    }
    let at = |url: &str| Some(Arc::new(Proxy::parse(url, None, None).unwrap()));
    for (kind, scheme) in BOTH.into_iter().zip(["http", "socks5"]) {
        check(at(&format!("{scheme}://127.0.0.1:1")), ProxyUnreachable, "nobody listens on 127.0.0.1:1").await;
        check(at(&format!("{scheme}://gone.example:1")), ProxyUnreachable, "gone.example does not exist").await;

        let helpful = Helpful::start(kind, ANNA).await;
        check(helpful.proxy(None), ProxyAuth, "asks for a user name and password").await;
        check(helpful.proxy(Some(("anna", "falsch"))), ProxyAuth, "does not accept this user name and password").await;
        check(helpful.proxy(ANNA), ProxyRefused, "asked for 127.0.0.2:1 it answered").await;
        check(helpful.called("proxy.example", ANNA), ProxyRefused, "asked for 127.0.0.2:1 it answered").await;

        let silent =
            Receiver::start(|mut socket| async move { socket.read_to_end(&mut Vec::new()).await.map(|_| ()) }).await;
        let silent = at(&silent.url("127.0.0.1", "").replace("http", scheme));
        check(silent, ProxyUnreachable, "waiting for the proxy's answer took longer than the limit of 0.4 s").await;

        let closing = Receiver::start(|socket| async move { socket.set_zero_linger() }).await;
        check(at(&closing.url("127.0.0.1", "").replace("http", scheme)), ProxyAnswer, "").await;

        let endless = Receiver::start(|mut socket| async move {
            loop {
                socket.write_all(&[b'x'; 8192]).await?;
            }
        })
        .await;
        check(at(&endless.url("127.0.0.1", "").replace("http", scheme)), ProxyAnswer, "what it says is not").await;
    }
    let endless = Receiver::start(|mut socket| async move {
        socket.write_all(b"HTTP/1.1 200 OK\r\n").await?;
        loop {
            socket.write_all(b"x: y\r\n").await?;
        }
    })
    .await;
    check(at(&endless.url("127.0.0.1", "")), ProxyAnswer, "exceeds 16 KiB").await;
}

#[tokio::test]
async fn a_receivers_name_is_looked_up_here_and_its_failure_is_the_receivers() {
    let proxy = Helpful::start(ProxyKind::Http, None).await;
    let sent = OutgoingRequest { proxy: proxy.proxy(None), ..request("http://gone.example/") };
    assert_eq!(fails(&client(&[]), sent).await.0, Dns);
    assert_eq!(proxy.receiver.accepted(), 0);
}

#[tokio::test]
async fn the_own_inbox_needs_no_proxy() {
    let own = echo().await;
    let proxy = Helpful::start(ProxyKind::Http, None).await;
    let client = GuardedClient::new(&settings("", &Names::of(&[]), own.address));
    let sent =
        OutgoingRequest { proxy: proxy.proxy(None), route: Route::OwnInbox, ..request("https://kanca.example/in/a") };
    assert_eq!(client.send(sent).await.result.unwrap().status, 200);
    assert_eq!(proxy.receiver.accepted(), 0);
}

#[tokio::test]
async fn a_request_can_ask_for_options() {
    let receiver = echo().await;
    let sent = OutgoingRequest {
        method: Method::Options,
        headers: vec![("webhook-request-origin".into(), "kanca.example".into())],
        body: bytes::Bytes::new(),
        ..request(receiver.url("127.0.0.2", "/hook"))
    };
    let answer = client(&[]).send(sent).await.result.unwrap();
    let seen = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(seen.starts_with("OPTIONS /hook HTTP/1.1\r\n") && seen.contains("webhook-request-origin"), "{seen}");
}
