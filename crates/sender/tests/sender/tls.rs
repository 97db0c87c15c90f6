//! TLS: whom to trust, and what a person reads when it fails.

use crate::receiver::{Receiver, read_request};
use crate::story::{Names, fails, nowhere, request, settings};
use kanca_engine::ports::SendFailureKind::{Reset, Timeout, Tls};
use kanca_engine::ports::{OutgoingRequest, Sender};
use kanca_sender::{GuardedClient, Roots, Settings};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// An authority of these stories.
pub fn authority() -> CertifiedIssuer<'static, KeyPair> {
    authority_called("an authority")
}

/// The same under another name.
pub fn authority_called(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for these names, signed by the authority.
pub fn signed(names: &[&str], authority: &CertifiedIssuer<'static, KeyPair>, until: i32) -> (Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    (params.signed_by(&key, authority).unwrap(), key)
}

/// A receiver that answers over TLS with this certificate.
pub async fn secure(certificate: CertificateDer<'static>, key: &KeyPair) -> Receiver {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Receiver::start(move |socket| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(socket).await?;
            while read_request(&mut stream).await.is_some() {
                stream.write_all(OK).await?;
            }
            Ok(())
        }
    })
    .await
}

pub fn trusting(roots: Roots) -> GuardedClient {
    let names = Names::of(&["hooks.example 127.0.0.1", "other.example 127.0.0.1", "hooks.example. 127.0.0.1"]);
    GuardedClient::new(&Settings { roots, ..settings("127.0.0.1/32", &names, nowhere()) })
}

pub fn url(receiver: &Receiver, host: &str) -> String {
    format!("https://{host}:{}/", receiver.address.port())
}

#[tokio::test]
async fn a_trusted_certificate_is_accepted_and_the_connection_kept() {
    let authority = authority();
    let (certificate, key) = signed(&["hooks.example", "127.0.0.1"], &authority, 2099);
    let receiver = secure(certificate.der().clone(), &key).await;
    for roots in [Roots::Only(vec![authority.der().clone()]), Roots::SystemAnd(vec![authority.der().clone()])] {
        let before = receiver.accepted();
        let client = trusting(roots);
        for _ in 0..3 {
            let response = client.send(request(url(&receiver, "hooks.example"))).await.result.unwrap();
            assert_eq!((response.status, &response.body[..]), (200, &b"ok"[..]));
        }
        assert_eq!(receiver.accepted(), before + 1);
        assert_eq!(client.send(request(url(&receiver, "127.0.0.1"))).await.result.unwrap().status, 200);
        assert_eq!(client.send(request(url(&receiver, "hooks.example."))).await.result.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_bad_certificate_is_told_in_words() {
    let authority = authority();
    let only = || Roots::Only(vec![authority.der().clone()]);
    let (good, key) = signed(&["hooks.example"], &authority, 2099);
    let receiver = secure(good.der().clone(), &key).await;
    let check = async |roots: Roots, receiver: &Receiver, host: &str, words: &str| {
        let (kind, detail) = fails(&trusting(roots), request(url(receiver, host))).await;
        assert_eq!(kind, Tls, "{detail}");
        assert!(detail.contains(words), "{detail}");
    };
    check(only(), &receiver, "other.example", "another name than other.example").await;
    check(Roots::System, &receiver, "hooks.example", "not trusted by this machine").await;
    check(Roots::Only(vec![]), &receiver, "hooks.example", "not trusted by this machine").await;

    let (old, key) = signed(&["hooks.example"], &authority, 2021);
    check(only(), &secure(old.der().clone(), &key).await, "hooks.example", "has expired").await;

    let own = rcgen::generate_simple_self_signed(vec!["hooks.example".to_owned()]).unwrap();
    let receiver = secure(own.cert.der().clone(), &own.signing_key).await;
    check(only(), &receiver, "hooks.example", "self-signed").await;

    // As `openssl req -x509` makes it: an authority's certificate used by the server itself.
    let mut params = CertificateParams::new(vec!["hooks.example".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap();
    check(only(), &secure(own.der().clone(), &key).await, "hooks.example", "self-signed").await;
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told_apart_from_a_silent_one() {
    let plain = Receiver::start(|mut socket| async move {
        let _ = socket.read(&mut [0; 1]).await?;
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
        let _ = socket.read_to_end(&mut Vec::new()).await;
        Ok(())
    })
    .await;
    let (kind, detail) = fails(&trusting(Roots::System), request(url(&plain, "hooks.example"))).await;
    assert_eq!((kind, detail.contains("does not speak TLS")), (Tls, true), "{detail}");

    let silent =
        Receiver::start(|mut socket| async move { socket.read_to_end(&mut Vec::new()).await.map(|_| ()) }).await;
    let sent = OutgoingRequest { timeout: Duration::from_millis(300), ..request(url(&silent, "hooks.example")) };
    let (kind, detail) = fails(&trusting(Roots::System), sent).await;
    assert_eq!((kind, detail.contains("the TLS handshake")), (Timeout, true), "{detail}");

    let closing = Receiver::start(|mut socket| async move { socket.read(&mut [0; 1024]).await.map(|_| ()) }).await;
    let (kind, detail) = fails(&trusting(Roots::System), request(url(&closing, "hooks.example"))).await;
    assert_eq!((kind, detail.contains("during the TLS handshake")), (Reset, true), "{detail}");
}

#[tokio::test]
async fn connecting_has_a_limit_of_its_own() {
    let silent =
        Receiver::start(|mut socket| async move { socket.read_to_end(&mut Vec::new()).await.map(|_| ()) }).await;
    let names = Names::of(&["hooks.example 127.0.0.1"]);
    let settings = settings("127.0.0.1/32", &names, nowhere());
    let client = GuardedClient::new(&Settings { connect_timeout: Duration::from_millis(200), ..settings });
    let (kind, detail) = fails(&client, request(url(&silent, "hooks.example"))).await;
    assert_eq!((kind, detail.as_str()), (Timeout, "the TLS handshake took longer than the limit of 0.2 s"));
}
