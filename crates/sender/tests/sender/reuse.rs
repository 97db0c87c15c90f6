//! Connections are kept and used again, and a stale one costs nothing.

use crate::receiver::{Receiver, read_request};
use crate::story::{Names, nowhere, open_client, request, settings};
use kanca_engine::ports::{OutgoingRequest, Sender};
use kanca_sender::{GuardedClient, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn many_requests_take_one_connection() {
    let receiver = Receiver::answering(OK).await;
    let client = open_client();
    for _ in 0..20 {
        assert_eq!(client.send(request(receiver.url("127.0.0.1", "/"))).await.result.unwrap().status, 200);
    }
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn simultaneous_requests_take_a_connection_each() {
    let receiver = Receiver::start(|mut socket| async move {
        while read_request(&mut socket).await.is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            socket.write_all(OK).await?;
        }
        Ok(())
    })
    .await;
    let client = Arc::new(open_client());
    for _ in 0..2 {
        let sent = (0..8).map(|_| {
            let (client, url) = (Arc::clone(&client), receiver.url("127.0.0.1", "/"));
            tokio::spawn(async move { client.send(request(url)).await.result.unwrap().status })
        });
        for answer in sent.collect::<Vec<_>>() {
            assert_eq!(answer.await.unwrap(), 200);
        }
    }
    assert_eq!(receiver.accepted(), 8);
}

#[tokio::test]
async fn a_connection_that_the_peer_closed_meanwhile_is_replaced() {
    // Keep-alive is promised, but each connection is closed after its first answer.
    let receiver = Receiver::start(|mut socket| async move {
        read_request(&mut socket).await;
        socket.write_all(OK).await
    })
    .await;
    let client = open_client();
    for turn in 1..=10 {
        assert_eq!(client.send(request(receiver.url("127.0.0.1", "/"))).await.result.unwrap().status, 200);
        assert_eq!(receiver.accepted(), turn);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_seen_is_not_sent_again() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let receiver = Receiver::start(move |mut socket: TcpStream| {
        let count = Arc::clone(&count);
        async move {
            read_request(&mut socket).await;
            count.fetch_add(1, Ordering::SeqCst);
            socket.write_all(OK).await?;
            read_request(&mut socket).await;
            count.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    })
    .await;
    let client = open_client();
    assert!(client.send(request(receiver.url("127.0.0.1", "/"))).await.result.is_ok());
    let (kind, _) = crate::story::fails(&client, request(receiver.url("127.0.0.1", "/"))).await;
    assert_eq!(kind, kanca_engine::ports::SendFailureKind::Reset);
    assert_eq!((seen.load(Ordering::SeqCst), receiver.accepted()), (2, 1));
}

#[tokio::test]
async fn bytes_after_a_response_are_never_the_next_response() {
    let receiver = Receiver::answering(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 666 Forged\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let client = open_client();
    for turn in 1..=5 {
        assert_eq!(client.send(request(receiver.url("127.0.0.1", "/"))).await.result.unwrap().status, 200);
        assert_eq!(receiver.accepted(), turn);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_time() {
    let (closed, mut closings) = tokio::sync::mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut socket| {
        let closed = closed.clone();
        async move {
            read_request(&mut socket).await;
            socket.write_all(OK).await?;
            closed.send(socket.read(&mut [0; 1]).await?).ok();
            Ok(())
        }
    })
    .await;
    let settings = settings("127.0.0.1/32", &Names::of(&[]), nowhere());
    let client = GuardedClient::new(&Settings { idle_timeout: Duration::from_millis(100), ..settings });
    client.send(request(receiver.url("127.0.0.1", "/"))).await.result.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(1), closings.recv()).await;
    assert_eq!(read.expect("closed without another request"), Some(0));
}

#[tokio::test]
async fn idle_connections_are_bounded_in_all() {
    let first = Receiver::answering(OK).await;
    let second = Receiver::answering(OK).await;
    let settings = settings("127.0.0.1/32", &Names::of(&[]), nowhere());
    let client = GuardedClient::new(&Settings { max_idle: 1, ..settings });
    for receiver in [&first, &second, &second, &first] {
        client.send(request(receiver.url("127.0.0.1", "/"))).await.result.unwrap();
    }
    assert_eq!((first.accepted(), second.accepted()), (2, 1), "the newcomer takes the place");
}

#[tokio::test]
async fn a_deadline_in_one_request_does_not_spoil_the_next() {
    let receiver = Receiver::start(|mut socket: TcpStream| async move {
        while let Some(bytes) = read_request(&mut socket).await {
            if !bytes.starts_with(b"POST /slow") {
                socket.write_all(OK).await?;
            }
        }
        Ok(())
    })
    .await;
    let client = open_client();
    for _ in 0..3 {
        assert!(client.send(request(receiver.url("127.0.0.1", "/quick"))).await.result.is_ok());
        let slow =
            OutgoingRequest { timeout: Duration::from_millis(50), ..request(receiver.url("127.0.0.1", "/slow")) };
        assert!(client.send(slow).await.result.is_err());
    }
    assert_eq!(receiver.accepted(), 3);
}
