//! Addresses that must not be dialled are not, by whatever way they come.

use crate::receiver::Receiver;
use crate::story::{Names, fails, nowhere, open_client, request, settings, strict_client};
use kanca_engine::ports::SendFailureKind::{Blocked, Dns, InvalidUrl, Refused};
use kanca_engine::ports::Sender;
use kanca_sender::{GuardedClient, Settings};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const CLOSING: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn loopback_is_refused_in_every_spelling() {
    let receiver = Receiver::answering(OK).await;
    let client = strict_client(&Names::of(&["localhost 127.0.0.1, ::1", "innocent.example 127.0.0.1"]));
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "innocent.example",
    ] {
        let (kind, detail) = fails(&client, request(receiver.url(host, "/"))).await;
        assert_eq!(kind, Blocked, "{host}: {detail}");
        assert!(detail.contains("127.0.0.1") || detail.contains("::1"), "{host}: {detail}");
    }
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn the_real_resolver_does_not_open_localhost() {
    let receiver = Receiver::answering(OK).await;
    let settings = settings("", &Names::of(&[]), nowhere());
    let client =
        GuardedClient::new(&Settings { resolver: Arc::new(kanca_sender::SystemResolver::default()), ..settings });
    assert_eq!(fails(&client, request(receiver.url("localhost", "/"))).await.0, Blocked);
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn each_connection_checks_its_own_look_up() {
    let receiver = Receiver::start_on("127.0.0.2", |mut socket| async move {
        crate::receiver::read_request(&mut socket).await;
        tokio::io::AsyncWriteExt::write_all(&mut socket, CLOSING).await
    })
    .await;
    // 127.0.0.2 plays the public address here. The name moves to a private one after the first look-up.
    let names = Names::of(&["rebinding.example 127.0.0.2 / 127.0.0.1"]);
    let client = GuardedClient::new(&settings("127.0.0.2/32", &names, nowhere()));
    let url = receiver.url("rebinding.example", "/");
    assert_eq!(client.send(request(&url)).await.unwrap().status, 200);
    assert_eq!(names.looked_up.load(Ordering::SeqCst), 1, "looked up once: what was checked was dialled");
    assert_eq!(fails(&client, request(&url)).await.0, Blocked);
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn of_mixed_answers_only_permitted_addresses_are_dialled() {
    let public = Receiver::start_on("127.0.0.2", |mut socket| async move {
        crate::receiver::read_request(&mut socket).await;
        tokio::io::AsyncWriteExt::write_all(&mut socket, OK).await
    })
    .await;
    let names =
        Names::of(&["mixed.example 127.0.0.1, 10.0.0.1, 127.0.0.2", "private.example 10.0.0.1, 169.254.169.254"]);
    let client = GuardedClient::new(&settings("127.0.0.2/32", &names, nowhere()));
    assert_eq!(client.send(request(public.url("mixed.example", "/"))).await.unwrap().status, 200);
    let (kind, detail) = fails(&client, request("http://private.example/")).await;
    assert_eq!((kind, detail.contains("10.0.0.1")), (Blocked, true), "{detail}");
}

#[tokio::test]
async fn a_silent_or_dead_address_gives_way_to_the_next() {
    let receiver = Receiver::answering(OK).await;
    // Nobody listens at this port of 127.0.0.3.
    let names = Names::of(&["two.example 127.0.0.3, 127.0.0.1"]);
    let client = GuardedClient::new(&settings("127.0.0.3/32, 127.0.0.1/32", &names, nowhere()));
    assert_eq!(client.send(request(receiver.url("two.example", "/"))).await.unwrap().status, 200);
}

#[tokio::test]
async fn names_that_lead_nowhere_and_ports_where_nobody_listens() {
    let (kind, detail) = fails(&open_client(), request("http://gone.example/")).await;
    assert_eq!((kind, detail.as_str()), (Dns, "gone.example does not exist"));
    let (kind, detail) = fails(&open_client(), request("http://127.0.0.1:1/")).await;
    assert_eq!((kind, detail.as_str()), (Refused, "nobody listens on 127.0.0.1:1"));
    let (kind, detail) = fails(&open_client(), request("http://me:secret@127.0.0.1:1/")).await;
    assert_eq!((kind, detail.contains("use headers"), detail.contains("secret")), (InvalidUrl, true, false));
}
