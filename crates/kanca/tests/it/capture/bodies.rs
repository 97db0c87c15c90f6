//! Bodies: every byte, however they are framed.

use crate::support::{Raw, Server, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn body_of(captured: &Value) -> Vec<u8> {
    STANDARD.decode(text(&captured["body"])).unwrap()
}

#[test]
fn bodies_are_kept_byte_for_byte() {
    let server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box"}));
    let every_byte: Vec<u8> = (0..=255).collect();
    let long = vec![b'x'; 70_000];
    for body in [&b""[..], b"\0", &every_byte, b"\xff\xfe\r\n\r\n", "{\"a\": 1.50}".as_bytes(), &long] {
        let answer = server.api_as(None).send("POST", "/in/box", &[("content-type", "application/x-odd")], Some(body));
        assert_eq!(answer.status, 200);
        let captured = server.api().newest_captured(&inbox);
        assert_eq!(body_of(&captured), body);
        assert_eq!((&captured["size"], &captured["content_type"]), (&json!(body.len()), &json!("application/x-odd")));
        let path = format!("/inboxes/{}/requests/{}/body", text(&inbox["id"]), text(&captured["id"]));
        let download = server.api().get(&path);
        assert_eq!(download.body, body);
        assert!(download.header("content-disposition").unwrap().starts_with("attachment"));
        assert_eq!(download.header("content-type"), Some("application/octet-stream"));
    }
}

#[test]
fn chunked_bodies_are_put_together_whatever_the_chunks() {
    let server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box"}));
    let body: Vec<u8> = (0..=255).cycle().step_by(7).take(10_000).collect();
    for sizes in [&[1][..], &[1, 2, 3, 5, 1_000], &[4_095, 4_096, 4_097], &[10_000]] {
        let mut connection = Raw::connect(server.address());
        connection.send("POST /in/box HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        let (mut rest, mut framed) = (body.as_slice(), Vec::new());
        for size in sizes.iter().cycle() {
            let (chunk, after) = rest.split_at((*size).min(rest.len()));
            if chunk.is_empty() {
                break;
            }
            let extension = if sizes.len() == 3 { ";ext=\"1\"" } else { "" };
            framed.extend(format!("{:X}{extension}\r\n", chunk.len()).bytes());
            framed.extend(chunk);
            framed.extend(b"\r\n");
            rest = after;
        }
        connection.send(framed).send("0\r\n\r\n");
        assert_eq!(connection.answer().status, 200);
        assert_eq!(body_of(&server.api().newest_captured(&inbox)), body, "{sizes:?}");
    }
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box"}));
    let mut connection = Raw::connect(server.address());
    connection.send("POST /in/box HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(connection.answer().status, 100);
    assert_eq!(connection.send("ok").answer().status, 200);
    assert_eq!(body_of(&server.api().newest_captured(&inbox)), b"ok");
}

#[test]
fn a_body_that_breaks_off_is_not_captured() {
    let server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box"}));
    let mut connection = Raw::connect(server.address());
    connection.send("POST /in/box HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    drop(connection);
    server.api_as(None).send("POST", "/in/box", &[], Some(b"whole")).expect(200);
    let all = server.api().captured(&inbox);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["size"], 5);
}

#[test]
fn nine_mebibytes_are_kept_and_eleven_are_refused_with_a_row() {
    let server = Server::start();
    let inbox = server.api().create_inbox(&json!({"slug": "box"}));
    let large = vec![b'l'; 9 << 20];
    server.api_as(None).send("POST", "/in/box", &[], Some(&large)).expect(200);
    assert_eq!(body_of(&server.api().newest_captured(&inbox)), large);

    let too_large = vec![b'o'; 11 << 20];
    server.api_as(None).send("POST", "/in/box/over", &[], Some(&too_large)).expect_problem(413);

    let captured = server.api().newest_captured(&inbox);
    assert_eq!((&captured["oversize"], &captured["response_status"]), (&json!(true), &json!(413)), "{captured}");
    assert_eq!((&captured["target"], &captured["body"]), (&json!("/in/box/over"), &json!("")));
    assert_eq!(captured["size"], 11 << 20);

    // The same without an announced length.
    let mut connection = Raw::connect(server.address());
    connection.send("POST /in/box/chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..11 {
        connection.send(format!("{:x}\r\n", 1 << 20)).send(&too_large[..1 << 20]).send("\r\n");
    }
    connection.send("0\r\n\r\n");
    assert_eq!(connection.answer().status, 413);
    assert_eq!(server.api().newest_captured(&inbox)["oversize"], true);
}
