//! Addresses that must not be dialled are not, by whatever way they come.

use crate::receiver::{Receiver, read_request};
use crate::story::{Names, fails, nowhere, open_client, request, settings, strict_client};
use kanca_engine::ports::SendFailureKind::{Blocked, Dns, InvalidUrl, Refused, Timeout};
use kanca_engine::ports::{OutgoingRequest, Sender};
use kanca_sender::{GuardedClient, Resolve, Settings, SystemResolver};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

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
    let client = GuardedClient::new(&Settings { resolver: Arc::new(SystemResolver::default()), ..settings });
    assert_eq!(fails(&client, request(receiver.url("localhost", "/"))).await.0, Blocked);
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn each_connection_checks_its_own_look_up() {
    let receiver = Receiver::start_on("127.0.0.2", |mut socket| async move {
        read_request(&mut socket).await;
        socket.write_all(CLOSING).await
    })
    .await;
    // 127.0.0.2 plays the public address here. The name moves to a private one after the first look-up.
    let names = Names::of(&["rebinding.example 127.0.0.2 / 127.0.0.1"]);
    let client = GuardedClient::new(&settings("127.0.0.2/32", &names, nowhere()));
    let url = receiver.url("rebinding.example", "/");
    assert_eq!(client.send(request(&url)).await.result.unwrap().status, 200);
    assert_eq!(names.looked_up.load(Ordering::SeqCst), 1, "looked up once: what was checked was dialled");
    assert_eq!(fails(&client, request(&url)).await.0, Blocked);
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn of_mixed_answers_only_permitted_addresses_are_dialled() {
    let public = Receiver::start_on("127.0.0.2", |mut socket| async move {
        read_request(&mut socket).await;
        socket.write_all(OK).await
    })
    .await;
    let names =
        Names::of(&["mixed.example 127.0.0.1, 10.0.0.1, 127.0.0.2", "private.example 10.0.0.1, 169.254.169.254"]);
    let client = GuardedClient::new(&settings("127.0.0.2/32", &names, nowhere()));
    assert_eq!(client.send(request(public.url("mixed.example", "/"))).await.result.unwrap().status, 200);
    let (kind, detail) = fails(&client, request("http://private.example/")).await;
    assert_eq!((kind, detail.contains("10.0.0.1")), (Blocked, true), "{detail}");
}

/// A listener at this address whose queue is full: the kernel drops whoever knocks, as a silent host does.
async fn silent(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut queue = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
        queue.push(connected.unwrap());
        assert!(queue.len() < 10, "the queue is never full");
    }
    (listener, queue)
}

#[tokio::test]
async fn a_silent_address_gives_way_to_the_next() {
    let receiver = Receiver::answering(OK).await;
    let _silent = silent(([127, 0, 0, 2], receiver.address.port()).into()).await;
    let names = Names::of(&["slow.example 127.0.0.2, 127.0.0.1", "silent.example 127.0.0.2"]);
    let settings = settings("127.0.0.0/8", &names, nowhere());
    let client = GuardedClient::new(&Settings { address_timeout: Duration::from_millis(100), ..settings });
    assert_eq!(client.send(request(receiver.url("slow.example", "/"))).await.result.unwrap().status, 200);
    let sent = OutgoingRequest { timeout: Duration::from_millis(300), ..request(receiver.url("silent.example", "/")) };
    let (kind, detail) = fails(&client, sent).await;
    assert_eq!((kind, detail.contains("connecting")), (Timeout, true), "{detail}");
}

#[tokio::test]
async fn a_look_up_without_an_end_ends_with_the_deadline() {
    struct Mute;
    #[async_trait::async_trait]
    impl Resolve for Mute {
        async fn resolve(&self, _: &str) -> Result<Vec<IpAddr>, String> {
            std::future::pending().await
        }
    }
    let settings = settings("", &Names::of(&[]), nowhere());
    let client = GuardedClient::new(&Settings { resolver: Arc::new(Mute), ..settings });
    let sent = OutgoingRequest { timeout: Duration::from_millis(200), ..request("http://mute.example/") };
    let (kind, detail) = fails(&client, sent).await;
    assert_eq!((kind, detail.as_str()), (Timeout, "the name look-up took longer than the limit of 0.2 s"));
}

#[tokio::test]
async fn a_dead_address_gives_way_to_the_next() {
    let receiver = Receiver::answering(OK).await;
    // Nobody listens at this port of 127.0.0.3.
    let names = Names::of(&["two.example 127.0.0.3, 127.0.0.1"]);
    let client = GuardedClient::new(&settings("127.0.0.3/32, 127.0.0.1/32", &names, nowhere()));
    assert_eq!(client.send(request(receiver.url("two.example", "/"))).await.result.unwrap().status, 200);
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
