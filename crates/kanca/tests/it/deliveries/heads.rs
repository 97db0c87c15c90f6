//! The head of an attempt is shown as it was written on the wire, and that of the answer as it came.

use crate::support::{Server, text};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

const SECRET: &str = "tr3s-secret-value";
const ANSWER: &str = "HTTP/1.1 200 OK\r\nX-MIXED-case: 1\r\nset-cookie: a\r\nSet-Cookie: b\r\nContent-Type: text/plain\r\n\
                      Content-LENGTH: 2\r\nConnection: close\r\n\r\nok";

/// Keeps the lines of each head, without understanding them.
fn listen() -> (SocketAddr, Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (heads, seen) = channel();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut reader = BufReader::new(socket.try_clone().unwrap());
            let mut lines = Vec::new();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                lines.push(line.strip_suffix("\r\n").unwrap().to_owned());
                line.clear();
            }
            let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            reader.read_exact(&mut body).unwrap();
            socket.write_all(ANSWER.as_bytes()).unwrap();
            if heads.send(lines).is_err() {
                return;
            }
        }
    });
    (address, seen)
}

/// The lines of a head that the API shows.
fn lines(headers: &Value) -> Vec<String> {
    let pair = |pair: &Value| format!("{}: {}", text(&pair[0]), text(&pair[1]));
    headers.as_array().unwrap().iter().map(pair).collect()
}

#[test]
fn an_attempt_shows_the_head_as_it_was_written() {
    let server = Server::start();
    let api = server.api();
    let (address, heads) = listen();
    let own = json!({"X-MixedCase": SECRET, "x-lower": SECRET, "USER-agent": SECRET});
    let auth = json!({"type": "bearer", "token": SECRET});
    let transformation = "function transform(e) { return {headers: {'X-Made-By': 'program', 'x-LOWER': 'left'}} }";
    for fields in [
        json!({}),
        json!({"headers": own, "auth": auth}),
        json!({"headers": own, "transformation": transformation}),
        json!({"format": "cloudevents_binary"}),
    ] {
        let created = api.create_endpoint_with(&format!("http://{address}/hook?a=b"), fields.clone());
        if fields["format"].is_string() {
            heads.recv().expect("it is asked whether it wants events");
        }
        let event = api.publish("order.paid", json!({"n": 1}));
        let delivery = api.wait_for_delivery(&event, "delivered");
        let attempt = &delivery["attempts"][0];
        let written = heads.recv().unwrap();
        assert_eq!(written[0], "POST /hook?a=b HTTP/1.1");
        assert_eq!(written[1], format!("host: {address}"));
        let hidden: Vec<_> =
            written[1..].iter().map(|line| line.replace(&format!("Bearer {SECRET}"), SECRET)).collect();
        let hidden: Vec<_> = hidden.iter().map(|line| line.replace(SECRET, "••••")).collect();
        assert_eq!(lines(&attempt["request"]["headers"]), hidden);
        assert!(fields["headers"].is_null() || hidden.contains(&"X-MixedCase: ••••".to_owned()), "{hidden:?}");
        assert!(fields["transformation"].is_null() || hidden.contains(&"x-LOWER: left".to_owned()), "{hidden:?}");
        let of_answer: Vec<_> = ANSWER.lines().skip(1).take_while(|line| !line.is_empty()).collect();
        assert_eq!(lines(&attempt["response"]["headers"]), of_answer);
        let curl = text(&delivery["curl"]);
        assert!(!curl.contains("'host:") && !curl.contains("'content-length:"), "{curl}");
        api.delete(&format!("/endpoints/{}", text(&created["id"])));
    }
}
