//! The receiver zoo: everything a receiver was ever seen, or imagined, to do, and how an exchange with it ends. Each row
//! is one animal: its name, what it does, and the reason by which its exchange is recorded. All have 400 ms to live.

use crate::receiver::{Receiver, read_request};
use crate::story::{Names, nowhere, request, settings};
use kanca_engine::ports::SendFailureKind::{self, Blocked, Protocol, Reset, Timeout};
use kanca_engine::ports::{OutgoingRequest, Sender, Sent};
use kanca_sender::{GuardedClient, Roots, Settings};
use std::io;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What an exchange may take.
const DEADLINE: Duration = Duration::from_millis(400);
/// What a busy machine may add to it.
const GRACE: Duration = Duration::from_millis(350);
/// Bytes of a body that are kept.
const KEPT: usize = 64 * 1024;

/// What a receiver does with a connection.
#[derive(Clone, Copy)]
enum Does {
    /// Reads the request, says this and closes.
    Says(&'static [u8]),
    /// Reads the request, says the first, and the second for ever with so many milliseconds between.
    GoesOn(&'static [u8], &'static [u8], u64),
    /// The same without reading anything.
    GoesOnUnasked(&'static [u8], &'static [u8], u64),
    /// Reads the request, says this and is silent.
    SaysAndWaits(&'static [u8]),
    /// Reads for ever.
    Listens,
    /// Accepts, and does not even read.
    Sleeps,
    /// Accepts and closes in order.
    Closes,
    /// Accepts and resets.
    Resets,
    /// Reads the request, says this and resets a moment later.
    SaysAndResets(&'static [u8]),
    /// Reads the request, says this, closes its own side and listens on.
    HalfCloses(&'static [u8]),
    /// Redirects to itself.
    RedirectsToItself,
}

/// How the exchange ends.
enum Ends {
    /// By this reason; the words are part of what a person reads.
    In(SendFailureKind, &'static str),
    /// With a response: its status, the length of what is kept of its body, and whether there was more.
    With(u16, usize, bool),
}

use Does::{
    Closes, GoesOn, GoesOnUnasked, HalfCloses, Listens, RedirectsToItself, Resets, Says, SaysAndResets, SaysAndWaits,
    Sleeps,
};
use Ends::{In, With};

static KILOBYTE: [u8; 1024] = [b'x'; 1024];
static CHUNK: &[u8] = b"10\r\n0123456789abcdef\r\n";
static BOMB: &[u8] = include_bytes!("bomb.gz");
static BOMB_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";

#[rustfmt::skip]
const ZOO: &[(&str, Does, Ends)] = &[
    // Slow ones.
    ("never answers", Listens, In(Timeout, "waiting for the response")),
    ("never reads", Sleeps, In(Timeout, "waiting for the response")),
    ("a body in drips", GoesOn(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n", b"x", 20), In(Timeout, "the response's body")),
    ("a chunked body in drips", GoesOn(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 20), In(Timeout, "the response's body")),
    ("a head in drips", GoesOn(b"HTTP/1.1 200 OK\r\nx: ", b"x", 20), In(Timeout, "waiting for the response")),
    ("interim responses in drips", GoesOn(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 20), In(Timeout, "waiting for the response")),
    ("promises terabytes and is silent", SaysAndWaits(b"HTTP/1.1 200 OK\r\ncontent-length: 9999999999999\r\n\r\nx"), In(Timeout, "the response's body")),
    ("stops in the middle of a chunk", SaysAndWaits(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nxx"), In(Timeout, "the response's body")),
    // Endless ones.
    ("an endless body", GoesOn(b"HTTP/1.1 200 OK\r\n\r\n", &KILOBYTE, 0), With(200, KEPT, true)),
    ("an endless chunked body", GoesOn(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", CHUNK, 0), With(200, KEPT, true)),
    ("an endless chunk extension", GoesOn(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", &KILOBYTE, 0), In(Protocol, "")),
    ("endless trailers", GoesOn(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"x-t: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 0), In(Protocol, "")),
    ("endless headers", GoesOn(b"HTTP/1.1 200 OK\r\n", b"x-header: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 0), In(Protocol, "64 KiB")),
    ("one endless header", GoesOn(b"HTTP/1.1 200 OK\r\nx: ", &KILOBYTE, 0), In(Protocol, "64 KiB")),
    ("endless interim responses", GoesOn(b"", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", 0), In(Protocol, "64 KiB")),
    ("endless noise", GoesOnUnasked(b"", &KILOBYTE, 0), In(Protocol, "")),
    // Broken off.
    ("accepts and closes", Closes, In(Reset, "")),
    ("accepts and resets", Resets, In(Reset, "")),
    ("closes without an answer", Says(b""), In(Reset, "before the response was complete")),
    ("closes in the head", Says(b"HTTP/1.1 200 OK\r\ncont"), In(Reset, "before the response was complete")),
    ("a content-length too long", Says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"), In(Reset, "before the response was complete")),
    ("closes in a chunk", Says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nshort"), In(Reset, "before the response was complete")),
    ("resets in the body", SaysAndResets(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"), In(Reset, "the peer reset the connection")),
    ("closes its side without an answer", HalfCloses(b""), In(Reset, "before the response was complete")),
    ("closes its side after an answer", HalfCloses(b"HTTP/1.1 200 OK\r\n\r\nhello"), With(200, 5, false)),
    // Odd ones.
    ("a content-length too short", Says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nshort"), With(200, 2, false)),
    ("a redirect to itself", RedirectsToItself, With(302, 0, false)),
    ("noise", Says(b"\x00\x01\x02\x03 what is this?\r\n\r\n"), In(Protocol, "not HTTP/1.1")),
    ("a TLS alert", Says(b"\x15\x03\x01\x00\x02\x02\x46"), In(Protocol, "not HTTP/1.1")),
    ("HTTP/2", Says(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"), In(Protocol, "not HTTP/1.1")),
    ("an SSH banner", GoesOnUnasked(b"SSH-2.0-OpenSSH_9.2\r\n", b"", 50), In(Protocol, "")),
    ("only a body", Says(b"<html>hello</html>"), In(Protocol, "not HTTP/1.1")),
    ("a header without a name", Says(b"HTTP/1.1 200 OK\r\n: x\r\n\r\n"), In(Protocol, "not HTTP/1.1")),
    ("a status of words", Says(b"HTTP/1.1 okay\r\n\r\n"), In(Protocol, "not HTTP/1.1")),
    ("two content-lengths", Says(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"), In(Protocol, "")),
    ("a negative content-length", Says(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"), In(Protocol, "")),
    ("a chunk size of letters", Says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), In(Protocol, "")),
    ("a chunk larger than numbers", Says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n"), In(Protocol, "")),
    ("switches protocols unasked", Says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"), In(Protocol, "switched")),
];

async fn play(mut socket: TcpStream, does: Does) -> io::Result<()> {
    let first: &[u8] = match does {
        Sleeps => {
            tokio::time::sleep(DEADLINE * 3).await;
            return Ok(());
        }
        Closes => return Ok(()),
        Resets => return socket.set_zero_linger(),
        GoesOnUnasked(first, ..) => first,
        _ => {
            read_request(&mut socket).await;
            match does {
                Says(first) | SaysAndWaits(first) | SaysAndResets(first) | HalfCloses(first) | GoesOn(first, ..) => {
                    first
                }
                RedirectsToItself => b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
                _ => b"",
            }
        }
    };
    socket.write_all(first).await?;
    match does {
        GoesOn(_, again, pause) | GoesOnUnasked(_, again, pause) => loop {
            socket.write_all(again).await?;
            if pause > 0 {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        },
        Listens | SaysAndWaits(_) => socket.read_to_end(&mut Vec::new()).await.map(|_| ()),
        HalfCloses(_) => {
            socket.shutdown().await?;
            socket.read_to_end(&mut Vec::new()).await.map(|_| ())
        }
        SaysAndResets(_) => {
            tokio::time::sleep(Duration::from_millis(50)).await;
            socket.set_zero_linger()
        }
        _ => Ok(()),
    }
}

fn client() -> GuardedClient {
    let settings = settings("127.0.0.1/32", &Names::of(&[]), nowhere());
    GuardedClient::new(&Settings { roots: Roots::Only(vec![]), ..settings })
}

/// The exchange must be over in time, and must tell how long it took.
async fn visit(name: &str, client: &GuardedClient, sent: OutgoingRequest) -> Sent {
    let start = Instant::now();
    let sent = client.send(OutgoingRequest { timeout: DEADLINE, response_limit: KEPT, ..sent }).await;
    assert!(start.elapsed() < DEADLINE + GRACE, "{name}: {:?}", start.elapsed());
    let total = Duration::from_micros(sent.timings.total_us.into());
    assert!(!total.is_zero() && total <= start.elapsed(), "{name}: {total:?}");
    sent
}

fn check(name: &str, sent: Sent, ends: &Ends) {
    match (ends, sent.result) {
        (In(kind, words), Err(failure)) => {
            assert_eq!(failure.kind, *kind, "{name}: {}", failure.detail);
            assert!(failure.detail.contains(words), "{name}: {}", failure.detail);
        }
        (With(status, length, truncated), Ok(response)) => {
            let shown = (response.status, response.body.len(), response.truncated);
            assert_eq!(shown, (*status, *length, *truncated), "{name}");
        }
        (_, result) => panic!("{name}: {result:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_animal_ends_within_its_deadline_and_by_a_named_reason() {
    for (name, does, ends) in ZOO {
        let receiver = Receiver::start(|socket| play(socket, *does)).await;
        let client = client();
        let body = if matches!(does, Sleeps) { vec![b'x'; 16 * 1024 * 1024] } else { b"{}".to_vec() };
        let sent = OutgoingRequest { body: body.into(), ..request(receiver.url("127.0.0.1", "/")) };
        check(name, visit(name, &client, sent).await, ends);
        assert_eq!(receiver.accepted(), 1, "{name}: nothing is sent twice");
    }
}

#[tokio::test]
async fn a_hundred_thousand_headers_are_not_read() {
    let many = |mut socket: TcpStream| async move {
        read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\n").await?;
        for number in 0..100_000 {
            socket.write_all(format!("x-{number}: y\r\n").as_bytes()).await?;
        }
        socket.write_all(b"content-length: 0\r\n\r\n").await
    };
    let receiver = Receiver::start(many).await;
    let sent = visit("100,000 headers", &client(), request(receiver.url("127.0.0.1", "/"))).await;
    check("100,000 headers", sent, &In(Protocol, "64 KiB"));
}

#[tokio::test]
async fn a_gzip_bomb_is_kept_as_it_came() {
    let receiver = Receiver::start(|mut socket| async move {
        read_request(&mut socket).await;
        socket.write_all(BOMB_HEAD).await?;
        socket.write_all(BOMB).await
    })
    .await;
    let sent = visit("bomb", &client(), request(receiver.url("127.0.0.1", "/"))).await;
    assert_eq!(sent.result.unwrap().body, BOMB, "8 MiB of zeros stay {} bytes", BOMB.len());
}

#[tokio::test]
async fn a_slow_tls_handshake_runs_into_the_deadline() {
    // The start of a record of a server's handshake, byte by byte, and nothing after it.
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"] {
        let receiver = Receiver::start(move |mut socket| async move {
            for byte in bytes.iter().chain(std::iter::repeat(&0)) {
                if !bytes.is_empty() {
                    socket.write_all(&[*byte]).await?;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        })
        .await;
        let url = receiver.url("127.0.0.1", "/").replace("http:", "https:");
        let sent = visit("slow TLS", &client(), request(url)).await;
        let is_late = sent.timings.tls_us.is_some_and(|micros| micros > 0);
        assert!(is_late && sent.timings.first_byte_us.is_none(), "{:?}", sent.timings);
        let failure = sent.result.unwrap_err();
        // A record whose version is nonsense is a TLS failure before it is late.
        let is_named = matches!(failure.kind, Timeout | SendFailureKind::Tls);
        assert!(is_named && (bytes.len() == 1 || failure.kind == Timeout), "{failure:?}");
    }
}

#[tokio::test]
async fn a_name_that_moves_between_look_ups_is_checked_each_time() {
    let receiver = Receiver::start_on("127.0.0.2", |socket| play(socket, Says(b"HTTP/1.1 200 OK\r\n\r\n"))).await;
    for private in
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"]
    {
        let names = Names::of(&[&format!("moving.example 127.0.0.2 / {private}")]);
        let client = GuardedClient::new(&settings("127.0.0.2/32", &names, nowhere()));
        let url = receiver.url("moving.example", "/");
        check("the first look-up", visit("moves", &client, request(&url)).await, &With(200, 0, false));
        check(private, visit("moves", &client, request(&url)).await, &In(Blocked, "the address"));
    }
    assert_eq!(receiver.accepted(), 7);
}
