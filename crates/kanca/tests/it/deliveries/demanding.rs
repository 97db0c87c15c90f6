//! A service in a closed network: it asks who connects, and is reached through a proxy that asks for a password.

use crate::support::{Api, Server, eventually, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::spawn;
use std::time::Duration;

type Authority = CertifiedIssuer<'static, KeyPair>;
type Seen<T> = Arc<Mutex<Vec<T>>>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for this name by this authority, and its key, as DER.
fn certificate(authority: &Authority, name: &str) -> (Vec<u8>, Vec<u8>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap().der().to_vec(), key.serialize_der())
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// Lets in only whom the authority knows; notes the certificate that was shown and the request that came with it.
fn service(authority: &Authority) -> (SocketAddr, Seen<(Vec<u8>, String)>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let (own, key) = certificate(authority, "127.0.0.1");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own.into()], PrivateKeyDer::try_from(key).unwrap())
        .unwrap();
    let (listener, seen, config) = (TcpListener::bind("127.0.0.1:0").unwrap(), Seen::default(), Arc::new(config));
    let (address, noted) = (listener.local_addr().unwrap(), Arc::clone(&seen));
    spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let (config, noted) = (config.clone(), Arc::clone(&noted));
            // Whoever has no certificate is part of the story.
            spawn(move || {
                let mut tls = ServerConnection::new(config).unwrap();
                let mut stream = Stream::new(&mut tls, &mut socket);
                let Some(request) = read(&mut stream) else { return };
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
                let shown = tls.peer_certificates().unwrap()[0].to_vec();
                noted.lock().unwrap().push((shown, request));
            });
        }
    });
    (address, seen)
}

/// A request's head and body.
fn read(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut more = [0; 4_096];
    loop {
        match stream.read(&mut more) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&more[..n]),
            _ => return None,
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() >= length.parse().unwrap() {
            return Some(text);
        }
    }
}

/// Connects whoever says `ada:pr0xy`, and notes what it was asked.
fn proxy() -> (SocketAddr, Seen<String>) {
    let (listener, seen) = (TcpListener::bind("127.0.0.1:0").unwrap(), Seen::default());
    let (address, noted) = (listener.local_addr().unwrap(), Arc::clone(&seen));
    spawn(move || {
        for socket in listener.incoming().flatten() {
            let noted = Arc::clone(&noted);
            spawn(move || tunnel(&socket, &noted));
        }
    });
    (address, seen)
}

fn tunnel(mut socket: &TcpStream, noted: &Mutex<Vec<String>>) -> Option<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(socket);
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|n| *n > 0)?;
    }
    let target = head.split(' ').nth(1)?.to_owned();
    noted.lock().unwrap().push(head.lines().next()?.to_owned());
    if !head.contains(&format!("Basic {}", STANDARD.encode("ada:pr0xy"))) {
        return socket.write_all(b"HTTP/1.1 407 Who Are You\r\ncontent-length: 0\r\n\r\n").ok();
    }
    let there = TcpStream::connect(target).ok()?;
    socket.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    let (mut from, mut to) = (socket.try_clone().ok()?, there.try_clone().ok()?);
    spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    });
    let _ = std::io::copy(&mut &there, &mut &*socket);
    socket.shutdown(Shutdown::Both).ok()
}

/// Publishes an event and waits for the reason why its first attempt failed.
fn reason(api: &Api) -> Value {
    let event = api.publish("order.paid", json!(1));
    let delivery = eventually("the attempt is recorded", Duration::from_secs(20), || {
        Some(api.wait_for_delivery(&event, "failed")).filter(|delivery| delivery["attempt_count"] == 1)
    });
    delivery["attempts"][0]["reason_code"].clone()
}

#[test]
fn a_service_that_asks_for_a_certificate_is_reached_through_a_proxy_that_asks_for_a_password() {
    let ours = authority("ours");
    let (address, requests) = service(&ours);
    let (proxy_address, asked) = proxy();
    let dir = tempfile::TempDir::new().unwrap();
    let roots = dir.path().join("roots.pem");
    std::fs::write(&roots, pem("CERTIFICATE", ours.der())).unwrap();
    let server = Server::builder().env("SSL_CERT_FILE", roots.to_str().unwrap()).start();
    let api = server.api();

    let as_whom = |authority: &Authority| {
        let (certificate, key) = certificate(authority, "kanca.example");
        let fields = json!({
            "certificate_pem": pem("CERTIFICATE", &certificate), "private_key_pem": pem("PRIVATE KEY", &key),
        });
        (fields, certificate)
    };
    let (stranger, _) = as_whom(&authority("theirs"));
    let (known, shown) = as_whom(&ours);
    let through =
        |password: &str| json!({"url": format!("http://{proxy_address}"), "username": "ada", "password": password});
    let fields = json!({"event_types": ["order.*"], "retry_schedule": [0], "proxy": through("wrong")});
    let created = api.create_endpoint_with(&format!("https://{address}/hook"), fields);
    let path = format!("/endpoints/{}", text(&created["id"]));

    assert_eq!(reason(&api), "proxy_auth");
    for wrong in [Value::Null, stranger] {
        api.patch(&path, &json!({"proxy": through("pr0xy"), "client_certificate": wrong})).expect(200);
        assert!(["tls", "reset"].contains(&text(&reason(&api)).as_str()), "a TLS alert, or a connection cut");
    }
    assert!(requests.lock().unwrap().is_empty(), "nobody else was let in");

    api.patch(&path, &json!({"client_certificate": known})).expect(200);
    let event = api.publish("order.paid", json!({"total": 7}));
    let delivered = api.wait_for_delivery(&event, "delivered");
    let requests = requests.lock().unwrap().clone();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].0, shown, "it showed the certificate that was given");
    assert!(requests[0].1.starts_with("POST /hook ") && requests[0].1.contains(&event), "{}", requests[0].1);
    assert!(requests[0].1.ends_with(r#""data":{"total":7}}"#), "{}", requests[0].1);
    let asked = asked.lock().unwrap().clone();
    assert!(asked.len() >= 4 && asked.iter().all(|line| *line == format!("CONNECT {address} HTTP/1.1")), "{asked:?}");
    assert!(delivered["attempts"][0]["timings"]["tls_us"].is_u64(), "{delivered}");
    assert!(!server.log().contains("pr0xy"));
}
