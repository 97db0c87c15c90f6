//! Where the time of an exchange went, whether it succeeded or not.

use crate::receiver::{Receiver, read_request};
use crate::story::{Names, nowhere, open_client, request, settings, strict_client};
use crate::tls::{authority, secure, signed, trusting, url};
use kanca_domain::attempts::Timings;
use kanca_engine::ports::{OutgoingRequest, Sender, Sent};
use kanca_sender::{GuardedClient, Resolve, Roots, Settings};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Knows one address for every name, after 30 ms.
struct Slow;

#[async_trait::async_trait]
impl Resolve for Slow {
    async fn resolve(&self, _: &str) -> Result<Vec<IpAddr>, String> {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    }
}

/// Answers a request after 40 ms.
async fn hesitant() -> Receiver {
    Receiver::start(|mut socket| async move {
        while read_request(&mut socket).await.is_some() {
            tokio::time::sleep(Duration::from_millis(40)).await;
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
            socket.write_all(b"ok").await?;
        }
        Ok(())
    })
    .await
}

fn millis(micros: Option<u32>) -> u32 {
    micros.expect("a time") / 1_000
}

#[tokio::test]
async fn a_fresh_connection_shows_every_part_and_an_open_one_only_the_answer() {
    let receiver = hesitant().await;
    let settings = settings("127.0.0.1/32", &Names::of(&[]), nowhere());
    let client = GuardedClient::new(&Settings { resolver: Arc::new(Slow), ..settings });
    let Sent { result, timings, .. } = client.send(request(receiver.url("slow.example", "/"))).await;
    assert!(result.is_ok());
    assert!((30..900).contains(&millis(timings.dns_us)), "{timings:?}");
    assert!((40..900).contains(&millis(timings.first_byte_us)), "{timings:?}");
    assert!(timings.connect_us.is_some() && timings.tls_us.is_none() && !timings.reused, "{timings:?}");
    assert_eq!(timings.remote, Some(receiver.address));
    let parts = timings.dns_us.unwrap() + timings.connect_us.unwrap() + timings.first_byte_us.unwrap();
    assert!(timings.total_us >= parts + 15_000, "the body came 20 ms later: {timings:?}");

    let Timings { dns_us, connect_us, tls_us, first_byte_us, total_us, reused, remote } =
        client.send(request(receiver.url("slow.example", "/"))).await.timings;
    assert_eq!((dns_us, connect_us, tls_us, reused, remote), (None, None, None, true, Some(receiver.address)));
    assert!(millis(first_byte_us) >= 40 && total_us > first_byte_us.unwrap());
}

#[tokio::test]
async fn a_tls_handshake_has_its_own_time() {
    let authority = authority();
    let (certificate, key) = signed(&["hooks.example"], &authority, 2099);
    let receiver = secure(certificate.der().clone(), &key).await;
    let client = trusting(Roots::Only(vec![authority.der().clone()]));
    let timings = client.send(request(url(&receiver, "hooks.example"))).await.timings;
    assert!(timings.tls_us.is_some_and(|time| time > 0) && timings.first_byte_us.is_some(), "{timings:?}");
    let timings = client.send(request(url(&receiver, "hooks.example"))).await.timings;
    assert_eq!((timings.tls_us, timings.reused), (None, true));
}

#[tokio::test]
async fn a_failure_shows_the_part_in_which_it_came() {
    let silent =
        Receiver::start(|mut socket| async move { socket.read_to_end(&mut Vec::new()).await.map(|_| ()) }).await;
    let soon = |url: String| OutgoingRequest { timeout: Duration::from_millis(200), ..request(url) };

    let timings = open_client().send(soon(silent.url("127.0.0.1", "/"))).await.timings;
    assert!((195..900).contains(&millis(timings.first_byte_us)), "{timings:?}");
    assert!(timings.total_us >= timings.first_byte_us.unwrap() && timings.dns_us.is_none(), "{timings:?}");

    let timings = trusting(Roots::System).send(soon(url(&silent, "hooks.example"))).await.timings;
    assert!((195..900).contains(&millis(timings.tls_us)) && timings.first_byte_us.is_none(), "{timings:?}");
    assert_eq!(timings.remote, Some(silent.address));

    let timings = open_client().send(soon("http://127.0.0.1:1/".into())).await.timings;
    assert!(timings.connect_us.is_some() && timings.first_byte_us.is_none(), "{timings:?}");
    assert_eq!(timings.remote, Some(nowhere()));

    let timings = open_client().send(soon("http://gone.example/".into())).await.timings;
    assert!(timings.dns_us.is_some() && timings.connect_us.is_none() && timings.remote.is_none(), "{timings:?}");

    for nothing_dialled in ["http://10.0.0.1/", "ftp://example.com/"] {
        let timings = strict_client(&Names::of(&[])).send(soon(nothing_dialled.into())).await.timings;
        assert_eq!(Timings { total_us: 0, ..timings }, Timings::default(), "{nothing_dialled}");
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_counts_as_fresh() {
    let receiver = Receiver::start(|mut socket| async move {
        read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await
    })
    .await;
    let client = open_client();
    for _ in 0..3 {
        let timings = client.send(request(receiver.url("127.0.0.1", "/"))).await.timings;
        assert!(!timings.reused && timings.connect_us.is_some(), "{timings:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
