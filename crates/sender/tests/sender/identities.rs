//! Client certificates: shown to servers that ask for one, and explained when they are wrong.

use crate::receiver::{Receiver, read_request};
use crate::story::{Names, fails, nowhere, request, settings};
use crate::tls::{authority, authority_called, signed, url};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kanca_engine::ports::SendFailureKind::Tls;
use kanca_engine::ports::{ClientIdentity, OutgoingRequest, Sender};
use kanca_sender::{GuardedClient, Roots, Settings, read_identity};
use rcgen::{CertifiedIssuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A receiver that lets in only whom the authority knows, and answers with a number for each certificate: its length.
async fn demanding(authority: &Authority, version: &'static SupportedProtocolVersion) -> Receiver {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let (certificate, key) = signed(&["hooks.example"], authority, 2099);
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Receiver::start(move |socket| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(socket).await?;
            let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
            while read_request(&mut stream).await.is_some() {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", shown.len());
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&shown).await?;
            }
            Ok(())
        }
    })
    .await
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A certificate by this authority, as PEM and ready for use, and as bytes.
fn identity(authority: &Authority, name: &str) -> (Arc<ClientIdentity>, Vec<u8>) {
    let (certificate, key) = signed(&[name], authority, 2099);
    let read =
        read_identity(&pem("CERTIFICATE", certificate.der()), &pem("PRIVATE KEY", key.serialized_der())).unwrap();
    (Arc::new(read), certificate.der().to_vec())
}

fn client(authority: &Authority) -> GuardedClient {
    let names = Names::of(&["hooks.example 127.0.0.1"]);
    let roots = Roots::Only(vec![authority.der().clone()]);
    GuardedClient::new(&Settings { roots, ..settings("127.0.0.1/32", &names, nowhere()) })
}

#[tokio::test]
async fn a_server_that_asks_sees_the_certificate_and_connections_are_not_shared() {
    let authority = authority();
    for version in [&TLS12, &TLS13] {
        let receiver = demanding(&authority, version).await;
        let client = client(&authority);
        let (anna, annas) = identity(&authority, "anna");
        let (bela, belas) = identity(&authority, "bela");
        // The same certificate read again is the same identity.
        let again = Arc::new(read_identity(&anna.certificate_pem, &anna.private_key_pem).unwrap());
        for (identity, shown) in [(&anna, &annas), (&bela, &belas), (&again, &annas), (&bela, &belas), (&anna, &annas)]
        {
            let identity = Some(Arc::clone(identity));
            let sent = OutgoingRequest { identity, ..request(url(&receiver, "hooks.example")) };
            assert_eq!(client.send(sent).await.result.unwrap().body, shown);
        }
        assert_eq!(receiver.accepted(), 2, "one connection for each certificate");
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_told_in_words() {
    let (ours, theirs) = (authority(), authority_called("another authority"));
    for version in [&TLS12, &TLS13] {
        let receiver = demanding(&ours, version).await;
        let client = client(&ours);
        let (kind, detail) = fails(&client, request(url(&receiver, "hooks.example"))).await;
        assert_eq!(kind, Tls, "{detail}");
        assert!(detail.contains("the server asks for a client certificate"), "{detail}");

        let foreign = Some(identity(&theirs, "anna").0);
        let (kind, detail) =
            fails(&client, OutgoingRequest { identity: foreign, ..request(url(&receiver, "hooks.example")) }).await;
        assert_eq!(kind, Tls, "{detail}");
        assert!(detail.contains("does not accept the client certificate"), "{detail}");
    }
}

#[test]
fn a_good_identity_says_whose_it_is_and_until_when() {
    let authority = authority();
    let (certificate, key) = signed(&["anna"], &authority, 2031);
    let chain = format!("{}\n{}", pem("CERTIFICATE", certificate.der()), pem("CERTIFICATE", authority.der()));
    let identity = read_identity(&chain, &pem("PRIVATE KEY", key.serialized_der())).unwrap();
    assert_eq!(identity.subject, "CN=rcgen self signed cert");
    assert_eq!(identity.not_after.to_string(), "2031-01-01T00:00:00Z");
    let shown = format!("{identity:?}");
    assert!(!shown.contains("PRIVATE") && shown.contains("until 2031"), "{shown}");
}

#[test]
fn what_is_wrong_with_an_identity_is_said_by_field() {
    let authority = authority();
    let (certificate, key) = signed(&["anna"], &authority, 2099);
    let (other, other_key) = signed(&["bela"], &authority, 2099);
    let (certificate, key, other, other_key) = (
        pem("CERTIFICATE", certificate.der()),
        pem("PRIVATE KEY", key.serialized_der()),
        pem("CERTIFICATE", other.der()),
        pem("PRIVATE KEY", other_key.serialized_der()),
    );
    let check = |certificate: &str, key: &str, field: &str, words: &str| {
        let invalid = read_identity(certificate, key).unwrap_err();
        assert_eq!(invalid.field, field, "{invalid}");
        assert!(invalid.problem.contains(words), "{invalid}");
        assert!(!invalid.problem.contains("MII") && !invalid.problem.contains("MIG"), "{invalid}");
    };
    let (cert_field, key_field) = ("certificate_pem", "private_key_pem");
    check("", &key, cert_field, "there is no certificate in it");
    check("hello", &key, cert_field, "there is no certificate in it");
    check(&key, &certificate, cert_field, "this is a private key");
    check(&certificate.replace("CERTIFICATE", "CERTIFICATE REQUEST"), &key, cert_field, "a request for a certificate");
    check(&certificate[..certificate.len() / 2], &key, cert_field, "not PEM");
    check("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key, cert_field, "cannot be read");
    check("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", &key, cert_field, "not PEM");
    check(&certificate.repeat(11), &key, cert_field, "more than 10");
    check(&"x".repeat(70_000), &key, cert_field, "64 KiB");
    check(&format!("{other}{certificate}"), &key, cert_field, "the key belongs to certificate 2 of 2");

    check(&certificate, "", key_field, "there is no private key in it");
    check(&certificate, &certificate, key_field, "this is a certificate");
    check(&certificate, &other_key, key_field, "does not belong to the certificate");
    check(&certificate, &format!("{key}{other_key}"), key_field, "more than one");
    check(&certificate, &key.replace("PRIVATE", "ENCRYPTED PRIVATE"), key_field, "openssl pkey");
    check(&certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", key_field, "cannot be used");
    check(&certificate, &key[..key.len() / 2], key_field, "not PEM");
    check(&certificate, &"x".repeat(70_000), key_field, "64 KiB");
}
