//! What well-behaved receivers see and say.

use crate::receiver::{Receiver, read_request};
use crate::story::{Names, open_client, request, settings};
use bytes::Bytes;
use kanca_engine::ports::{OutgoingRequest, Route, Sender};
use kanca_sender::GuardedClient;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

/// A receiver that hands over the requests that it gets.
async fn witness() -> (Receiver, mpsc::UnboundedReceiver<String>) {
    let (seen, requests) = mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut socket| {
        let seen = seen.clone();
        async move {
            while let Some(bytes) = read_request(&mut socket).await {
                seen.send(String::from_utf8(bytes).unwrap()).ok();
                socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
            }
            Ok(())
        }
    })
    .await;
    (receiver, requests)
}

#[tokio::test]
async fn a_post_arrives_byte_by_byte() {
    let (receiver, mut requests) = witness().await;
    let headers = [("content-type", "application/json"), ("webhook-id", "evt_1"), ("X-b", "ç"), ("x-B", "2")];
    let sent = OutgoingRequest {
        headers: headers.map(|(name, value)| (name.into(), value.into())).into(),
        body: Bytes::from_static("{\"text\":\"şu\"}".as_bytes()),
        ..request(receiver.url("127.0.0.1", "/hook?a=b&c=%20#part"))
    };
    let sent = open_client().send(sent).await;
    assert_eq!(sent.result.unwrap().status, 204);
    let port = receiver.address.port();
    let version = env!("CARGO_PKG_VERSION");
    let seen = requests.recv().await.unwrap();
    assert_eq!(
        seen,
        format!(
            "POST /hook?a=b&c=%20 HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: Kanca/{version} (+webhooks)\r\n\
             content-length: 14\r\ncontent-type: application/json\r\nwebhook-id: evt_1\r\nX-b: ç\r\nx-B: 2\r\n\r\n\
             {{\"text\":\"şu\"}}"
        )
    );
    let told: Vec<_> = sent.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let written: Vec<_> = seen.lines().skip(1).take_while(|line| !line.is_empty()).collect();
    assert_eq!(told, written, "what is shown of a request is what was sent");
}

#[tokio::test]
async fn an_empty_post_says_so() {
    let (receiver, mut requests) = witness().await;
    let sent = OutgoingRequest { body: Bytes::new(), headers: vec![], ..request(receiver.url("127.0.0.1", "")) };
    open_client().send(sent).await.result.unwrap();
    let seen = requests.recv().await.unwrap();
    assert!(seen.starts_with("POST / HTTP/1.1\r\n") && seen.ends_with("content-length: 0\r\n\r\n"), "{seen}");
}

#[tokio::test]
async fn a_response_comes_back_as_it_is() {
    let receiver = Receiver::answering(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 418 Tea\r\nX-A: 1\r\n\
          Content-Encoding: gzip\r\nx-a: \xff2\r\nContent-Length: 5\r\n\r\n\x1f\x8bhi!",
    )
    .await;
    let response = open_client().send(request(receiver.url("127.0.0.1", "/"))).await.result.unwrap();
    assert_eq!((response.status, response.truncated), (418, false));
    assert_eq!(&response.body[..], b"\x1f\x8bhi!");
    let headers: Vec<_> = response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let length = ("Content-Length", "5");
    assert_eq!(headers, [("X-A", "1"), ("Content-Encoding", "gzip"), ("x-a", "\u{fffd}2"), length]);
}

#[tokio::test]
async fn chunked_and_closed_bodies_are_read_to_the_end() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: u\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcde",
        b"HTTP/1.0 200 OK\r\n\r\nabcde",
    ] {
        let receiver = Receiver::start(move |mut socket| async move {
            read_request(&mut socket).await;
            socket.write_all(answer).await
        })
        .await;
        let response = open_client().send(request(receiver.url("127.0.0.1", "/"))).await.result.unwrap();
        assert_eq!((&response.body[..], response.truncated), (&b"abcde"[..], false));
    }
}

#[tokio::test]
async fn a_long_body_is_cut_at_the_limit_and_the_connection_closed() {
    let receiver = Receiver::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde").await;
    let client = open_client();
    for (limit, body, truncated, connections) in
        [(5, "abcde", false, 1), (6, "abcde", false, 1), (4, "abcd", true, 1), (0, "", true, 2), (5, "abcde", false, 3)]
    {
        let sent = OutgoingRequest { response_limit: limit, ..request(receiver.url("127.0.0.1", "/")) };
        let response = client.send(sent).await.result.unwrap();
        assert_eq!((&response.body[..], response.truncated), (body.as_bytes(), truncated), "limit {limit}");
        assert_eq!(receiver.accepted(), connections, "limit {limit}");
    }
}

#[tokio::test]
async fn a_redirect_is_just_a_response() {
    let other = Receiver::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let location = other.url("127.0.0.1", "/elsewhere");
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let receiver = Receiver::start(move |mut socket| {
            let answer = format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            async move {
                read_request(&mut socket).await;
                socket.write_all(answer.as_bytes()).await
            }
        })
        .await;
        let response = open_client().send(request(receiver.url("127.0.0.1", "/"))).await.result.unwrap();
        assert_eq!(response.status, status);
        assert_eq!(receiver.accepted(), 1);
    }
    assert_eq!(other.accepted(), 0);
}

#[tokio::test]
async fn the_own_inbox_is_reached_at_the_own_address_whatever_the_host_is() {
    let (own, mut requests) = witness().await;
    let elsewhere = Receiver::answering(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").await;
    let names = Names::of(&["hooks.example 127.0.0.1"]);
    let client = GuardedClient::new(&settings("127.0.0.1/32", &names, own.address));
    let port = elsewhere.address.port();
    for (url, host) in [
        (format!("http://hooks.example:{port}/in/a"), format!("hooks.example:{port}")),
        ("https://hooks.example/in/a".to_owned(), "hooks.example".to_owned()),
        ("https://no-such-name.example:8443/in/a".to_owned(), "no-such-name.example:8443".to_owned()),
        ("http://10.0.0.1/in/a".to_owned(), "10.0.0.1".to_owned()),
    ] {
        let sent = OutgoingRequest { route: Route::OwnInbox, ..request(url) };
        assert_eq!(client.send(sent).await.result.unwrap().status, 204);
        let seen = requests.recv().await.unwrap();
        assert!(seen.starts_with(&format!("POST /in/a HTTP/1.1\r\nhost: {host}\r\n")), "{seen}");
    }
    // The same URL by the guarded route takes another connection, to where the name leads.
    let guarded = client.send(request(format!("http://hooks.example:{port}/in/a"))).await.result.unwrap();
    assert_eq!((guarded.status, elsewhere.accepted()), (500, 1));
}

#[tokio::test]
async fn a_listener_on_all_addresses_is_reached_over_loopback() {
    let (own, _requests) = witness().await;
    let client = GuardedClient::new(&settings("", &Names::of(&[]), ([0, 0, 0, 0], own.address.port()).into()));
    let sent = OutgoingRequest { route: Route::OwnInbox, ..request("https://kanca.example/in/a") };
    assert_eq!(client.send(sent).await.result.unwrap().status, 204);
}
