//! Receivers that misbehave: each exchange ends within its deadline with the right kind, and leaves nothing behind.

use crate::receiver::{Receiver, read_request};
use crate::story::{fails, open_client, request};
use bytes::Bytes;
use kanca_engine::ports::SendFailureKind::{self, Protocol, Reset, Timeout};
use kanca_engine::ports::{OutgoingRequest, Sender};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends one request, with 400 ms to live, to a receiver that plays `script`.
async fn check<F, Fut>(script: F, kind: SendFailureKind, words: &str)
where
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let receiver = Receiver::start(script).await;
    let sent = OutgoingRequest { timeout: Duration::from_millis(400), ..request(receiver.url("127.0.0.1", "/")) };
    let (actual, detail) = fails(&open_client(), sent).await;
    assert_eq!(actual, kind, "{detail}");
    assert!(detail.contains(words), "{detail}");
    assert_eq!(receiver.accepted(), 1, "nothing is sent twice");
}

/// Reads the request, answers with `bytes` and closes.
async fn answers(bytes: &'static [u8], kind: SendFailureKind, words: &str) {
    let script = move |mut socket: TcpStream| async move {
        read_request(&mut socket).await;
        socket.write_all(bytes).await
    };
    check(script, kind, words).await;
}

/// Reads the request, says `first`, and then `again` for ever, with a pause between.
async fn goes_on(first: &'static [u8], again: Vec<u8>, pause: Duration, kind: SendFailureKind, words: &str) {
    let script = move |mut socket: TcpStream| {
        let again = again.clone();
        async move {
            read_request(&mut socket).await;
            socket.write_all(first).await?;
            loop {
                socket.write_all(&again).await?;
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    };
    check(script, kind, words).await;
}

#[tokio::test]
async fn a_body_in_drips_runs_into_the_deadline() {
    let pause = Duration::from_millis(20);
    goes_on(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n", b"x".into(), pause, Timeout, "the response's body")
        .await;
    goes_on(b"HTTP/1.1 200 OK\r\nx: ", b"x".into(), pause, Timeout, "waiting for the response").await;
}

#[tokio::test]
async fn an_endless_body_is_cut() {
    let receiver = Receiver::start(|mut socket| async move {
        read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        loop {
            socket.write_all(&[b'x'; 8192]).await?;
        }
    })
    .await;
    let response = open_client().send(request(receiver.url("127.0.0.1", "/"))).await.result.unwrap();
    assert_eq!((response.body.len(), response.truncated), (64 * 1024, true));
}

#[tokio::test]
async fn a_broken_connection_is_a_reset() {
    answers(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", Reset, "before the response was complete").await;
    answers(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nshort",
        Reset,
        "before the response was complete",
    )
    .await;
    answers(b"HTTP/1.1 200 OK\r\ncont", Reset, "before the response was complete").await;
    answers(b"", Reset, "before the response was complete").await;
    // Accepts and closes at once, orderly or by force.
    check(|socket| async move { socket.set_zero_linger() }, Reset, "").await;
    check(|_socket| async move { Ok(()) }, Reset, "").await;
    let reset_in_the_body = |mut socket: TcpStream| async move {
        read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx").await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        socket.set_zero_linger()
    };
    check(reset_in_the_body, Reset, "the peer reset the connection").await;
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let silent = |mut socket: TcpStream| async move {
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.map(|_| ())
    };
    check(silent, Timeout, "waiting for the response took longer than the limit of 0.4 s").await;
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_failure() {
    answers(b"\x00\x01\x02\x03 what is this?\r\n\r\n", Protocol, "not HTTP/1.1").await;
    answers(b"HTTP/2 200 OK\r\n\r\n", Protocol, "not HTTP/1.1").await;
    answers(b"HTTP/1.1 abc OK\r\n\r\n", Protocol, "not HTTP/1.1").await;
    answers(b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", Protocol, "not HTTP/1.1").await;
    answers(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx", Protocol, "").await;
    answers(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nxx", Protocol, "").await;
    answers(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc", Protocol, "").await;
    answers(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", Protocol, "switched")
        .await;
    let banner = |mut socket: TcpStream| async move {
        socket.write_all(b"220 mail.example ESMTP\r\n").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(())
    };
    check(banner, Protocol, "").await;
}

#[tokio::test]
async fn heads_without_end_are_cut_off() {
    let line: Vec<u8> = [b"x-filler: ".as_slice(), &[b'x'; 1000], b"\r\n"].concat();
    goes_on(b"HTTP/1.1 200 OK\r\n", line, Duration::ZERO, Protocol, "64 KiB").await;
    goes_on(b"HTTP/1.1 200 OK\r\nx: ", vec![b'x'; 4096], Duration::ZERO, Protocol, "64 KiB").await;
    goes_on(b"", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".into(), Duration::ZERO, Protocol, "64 KiB").await;
    let slow = Duration::from_millis(20);
    goes_on(b"", b"HTTP/1.1 100 Continue\r\n\r\n".into(), slow, Timeout, "waiting for the response").await;
    let many = |mut socket: TcpStream| async move {
        read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\n").await?;
        socket.write_all(&b"a: b\r\n".repeat(101)).await?;
        socket.write_all(b"content-length: 0\r\n\r\n").await
    };
    check(many, Protocol, "100 headers").await;
}

#[tokio::test]
async fn a_request_that_nobody_reads_ends_with_its_deadline() {
    let deaf = |socket: TcpStream| async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(socket);
        Ok(())
    };
    let receiver = Receiver::start(deaf).await;
    let sent = OutgoingRequest {
        body: Bytes::from(vec![b'x'; 32 * 1024 * 1024]),
        timeout: Duration::from_millis(400),
        ..request(receiver.url("127.0.0.1", "/"))
    };
    assert_eq!(fails(&open_client(), sent).await.0, Timeout);
}

#[tokio::test]
async fn an_answer_before_the_request_was_read_leaves_no_connection_behind() {
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut socket| {
        let ended = ended.clone();
        async move {
            socket.read_exact(&mut [0; 10]).await?;
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            // What the kernel already holds, and then the end: nobody is left to send the rest.
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest).await;
            ended.send(rest.len()).ok();
            Ok(())
        }
    })
    .await;
    let body = Bytes::from(vec![b'x'; 32 * 1024 * 1024]);
    let sent = OutgoingRequest { body, ..request(receiver.url("127.0.0.1", "/")) };
    let client = open_client();
    assert_eq!(client.send(sent).await.result.unwrap().status, 200);
    let rest = tokio::time::timeout(Duration::from_secs(1), ends.recv()).await.expect("the connection is closed");
    assert!(rest.is_some_and(|rest| rest < 32 * 1024 * 1024), "{rest:?}");
}
