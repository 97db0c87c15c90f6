//! Whatever comes in wrong is answered with a problem, never with a 500, and nothing is written.

mod endpoints;

use crate::support::{API_KEY, Answer, Receiver, Server, document, text};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What must not change when input is refused.
fn standing(server: &Server) -> Value {
    let api = server.api();
    json!([api.all("/events").len(), api.all("/endpoints").len(), api.all("/inboxes").len(), api.all("/bots").len()])
}

#[test]
fn bodies_that_are_no_json_or_have_other_fields_are_refused() {
    let server = Server::start();
    let before = standing(&server);
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    for (status, body) in [
        (400, ""),
        (400, "{"),
        (400, "nul"),
        (400, "{\"type\":\"a\",\"data\":1}x"),
        (400, "\u{feff}{}"),
        (400, "{'a':1}"),
        (422, "[]"),
        (422, "null"),
        (422, "1"),
        (422, "{}"),
        (422, r#"{"type":"a"}"#),
        (422, r#"{"data":1}"#),
        (422, r#"{"type":"a","data":1,"colour":"red"}"#),
        (422, r#"{"type":1,"data":1}"#),
        (422, r#"{"type":"a","data":1,"type":"b"}"#),
        (422, r#"{"type":"a","data":1,"timestamp":"yesterday"}"#),
        (422, r#"{"type":"a","data":1,"timestamp":1700000000}"#),
        (422, r#"{"type":"a","data":1,"ordering_key":7}"#),
        (422, r#"{"type":"a","data":1,"ordering_key":""}"#),
        (422, r#"{"type":"a","data":1,"idempotency_key":""}"#),
        (422, r#"{"type":"a","data":1,"timestamp":"9999999-01-01T00:00:00Z"}"#),
        (400, r#"{"type":"a","data":01}"#),
        (422, r#"{"type":"a","name":"x","url":"https://example.com"}"#),
        (400, "{\"type\":\"a\",\"data\":\"\u{1}\"}"),
    ] {
        server.api().send_text("POST", "/events", body).expect_problem(status);
    }
    for (method, path, body) in [
        ("POST", "/endpoints", r#"{"name":"x"}"#),
        ("POST", "/endpoints", r#"{"name":"x","url":5}"#),
        ("POST", "/endpoints", r#"{"name":"","url":"https://example.com"}"#),
        ("POST", "/endpoints", r#"{"name":"x","url":"https://example.com","format":"yaml"}"#),
        ("POST", "/endpoints", r#"{"name":"x","url":"https://example.com","format":null}"#),
        ("POST", "/endpoints", r#"{"name":"x","url":"https://example.com","secret":"short"}"#),
        ("POST", "/endpoints", r#"{"name":"x","url":"https://example.com","headers":[]}"#),
        ("POST", "/endpoints", r#"{"name":"x","url":"https://example.com","headers":{"a":1}}"#),
        ("POST", "/endpoints", r#"{"name":"x","url":"https://example.com","event_types":"*"}"#),
        ("POST", "/endpoints", r#"{"name":"x","url":"https://example.com","id":"ep_1"}"#),
        ("POST", "/inboxes", r#"{"slug":"ab"}"#),
        ("POST", "/inboxes", r#"{"slug":"Upper"}"#),
        ("POST", "/inboxes", r#"{"slug":"a/b/c"}"#),
        ("POST", "/inboxes", r#"{"slug":"../etc"}"#),
        ("POST", "/inboxes", r#"{"response":{"status":99}}"#),
        ("POST", "/inboxes", r#"{"response":{"status":70000}}"#),
        ("POST", "/inboxes", r#"{"response":{"status":"200"}}"#),
        ("POST", "/inboxes", r#"{"colour":1}"#),
        ("POST", "/bots", r#"{"name":5}"#),
        ("POST", "/projects", r#"{"name":""}"#),
        ("POST", "/events", deep.as_str()),
    ] {
        let answer = server.api().send_text(method, path, body);
        answer.expect_problem(if body == deep { answer.status } else { 422 });
        assert!((400..500).contains(&answer.status));
    }
    assert_eq!(standing(&server), before);
}

#[test]
fn names_have_at_most_200_characters() {
    let server = Server::start();
    let name = |n: usize| json!({"name": "ş".repeat(n), "url": "https://example.com/"});
    server.api().post("/endpoints", &name(200)).expect(201);
    server.api().post("/endpoints", &name(201)).expect_problem(422);
}

#[test]
fn unknown_ids_and_those_of_other_projects_are_not_found() {
    let server = Server::start();
    let api = server.api();
    let other = api.create_project("Other");
    let receiver = Receiver::start();
    let endpoint = text(&api.create_endpoint(&receiver.url())["id"]);
    let event = api.publish("order.paid", json!(1));
    let delivery = text(&api.wait_for_delivery(&event, "delivered")["id"]);
    let inbox = text(&api.create_inbox(&json!({}))["id"]);
    let nobody = "01938f00000070008000000000000000";
    for (method, path, id) in [
        ("GET", "/endpoints/ID", &endpoint),
        ("PATCH", "/endpoints/ID", &endpoint),
        ("DELETE", "/endpoints/ID", &endpoint),
        ("GET", "/endpoints/ID/secret", &endpoint),
        ("GET", "/events/ID", &event),
        ("GET", "/deliveries/ID", &delivery),
        ("POST", "/deliveries/ID/retry", &delivery),
        ("GET", "/inboxes/ID", &inbox),
        ("PATCH", "/inboxes/ID", &inbox),
        ("DELETE", "/inboxes/ID", &inbox),
        ("GET", "/inboxes/ID/requests", &inbox),
        ("GET", "/inboxes/ID/live", &inbox),
        ("DELETE", "/inboxes/ID/requests", &inbox),
    ] {
        let body = (method == "PATCH").then_some("{\"name\":\"taken\"}");
        let ask = |api: &crate::support::Api, id: &str| {
            let path = format!("/api/v1{}", path.replace("ID", id));
            api.send(method, &path, &[("content-type", "application/json")], body.map(str::as_bytes))
        };
        ask(&other, id).expect_problem(404);
        let prefix = id.split_once('_').unwrap().0;
        for unknown in
            [format!("{prefix}_{nobody}"), format!("msg_{nobody}"), "x".into(), "%00".into(), format!("{id}0")]
        {
            ask(&api, &unknown).expect_problem(404);
        }
    }
    assert!(other.all("/endpoints").is_empty() && other.all("/events").is_empty() && other.all("/inboxes").is_empty());
    assert_eq!(other.deliveries(&format!("event_id={event}")).len(), 0);
    assert_eq!(api.get(&format!("/endpoints/{endpoint}")).expect(200)["name"], "Receiver");
}

#[test]
fn wrong_methods_paths_and_content_types_are_problems() {
    let server = Server::start();
    let api = server.api();
    for (method, path) in [
        ("DELETE", "/api/v1/events"),
        ("PUT", "/api/v1/endpoints"),
        ("PATCH", "/api/v1/deliveries"),
        ("GET", "/api/v1/setup"),
        ("POST", "/api/v1/openapi.json"),
        ("POST", "/healthz"),
        ("OPTIONS", "/api/v1/events"),
    ] {
        let answer = api.send(method, path, &[], None);
        answer.expect_problem(405);
        assert!(answer.header("allow").is_some(), "{method} {path} says what is allowed");
    }
    for path in
        ["/api/v1/nothing", "/api/v1", "/api/v1/", "/api/v2/events", "/api", "/chat/v1/nothing", "/api/v1/events/"]
    {
        api.send("GET", path, &[], None).expect_problem(404);
    }
    for content_type in ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json", ""] {
        let body = json!({"type": "a", "data": 1}).to_string();
        let answer = api.send("POST", "/api/v1/events", &[("content-type", content_type)], Some(body.as_bytes()));
        answer.expect_problem(415);
    }
    let fine = json!({"type": "a", "data": 1}).to_string();
    for content_type in ["application/json; charset=utf-8", "Application/JSON", "application/cloudevents+json"] {
        api.send("POST", "/api/v1/events", &[("content-type", content_type)], Some(fine.as_bytes())).expect(202);
    }
}

#[test]
fn without_a_valid_key_nothing_is_told() {
    let server = Server::start();
    for (header, value) in [
        ("x-none", "x"),
        ("authorization", "Bearer wrong-wrong-wrong-wrong-wrong-wrong"),
        ("authorization", "Bearer"),
        ("authorization", "Basic eDp5"),
        ("authorization", API_KEY),
        ("authorization", "Bearer a b"),
        ("cookie", "kanca_session=x"),
    ] {
        let answer = server.api_as(None).send("GET", "/api/v1/events", &[(header, value)], None);
        answer.expect_problem(401);
        assert!(answer.header("www-authenticate").is_some());
    }
}

#[test]
fn too_large_bodies_get_their_answer_even_while_they_are_sent() {
    let server = Server::start();
    let mib = 1 << 20;
    let data = |bytes: usize| format!(r#"{{"type":"big","data":"{}"}}"#, "x".repeat(bytes));
    server.api().send_text("POST", "/events", &data(mib - 100)).expect(202);
    server.api().send_text("POST", "/events", &data(mib)).expect_problem(413);
    server.api().send_text("POST", "/endpoints", &data(mib)).expect_problem(413);
    server.api().send_text("POST", "/events", &data(30 * mib)).expect_problem(413);
    assert_eq!(server.api().all("/events").len(), 1);

    // A client that does not look for an answer before it has sent everything, without saying how much that is.
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_KEY}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..20 {
        stream.write_all(format!("{mib:x}\r\n{}\r\n", " ".repeat(mib)).as_bytes()).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
}

#[test]
fn what_is_no_http_does_no_harm() {
    let server = Server::start();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /in/x HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /in/x HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /in/x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /%zz/%ff\xff HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // A reset is as good an answer as a 400.
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 5"), "{:?}", String::from_utf8_lossy(&answer));
    }
    let alive: Answer = server.api().send("GET", "/healthz", &[], None);
    assert_eq!(alive.status, 200);
}

#[test]
fn lists_are_no_objects() {
    let server = Server::start();
    let api = server.api();
    let before = standing(&server);
    for (path, body) in [
        ("/events", r#"["a.b",{"x":1},null,null,null]"#),
        ("/endpoints", r#"["name","https://example.com/hook"]"#),
        ("/inboxes", "[]"),
        ("/inboxes", r#"{"response":[200]}"#),
        ("/bots", r#" ["name"]"#),
        ("/projects", r#"["name"]"#),
    ] {
        api.send_text("POST", path, body).expect_problem(422);
    }
    assert_eq!(standing(&server), before);
}

#[test]
fn whoever_still_sends_a_large_body_sees_why_it_is_refused() {
    let server = Server::start();
    let body = vec![b'x'; 5 << 20];
    for (path, key, status) in [
        ("/api/v1/events", "no-such-key", 401),
        ("/api/v1/nope", API_KEY, 404),
        ("/api/v1/inboxes/x", API_KEY, 405),
        ("/in/no-such-inbox", API_KEY, 404),
    ] {
        let mut raw = crate::support::Raw::connect(server.address());
        raw.send(format!(
            "POST {path} HTTP/1.1\r\nhost: kanca\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        ));
        raw.send(&body);
        assert_eq!(raw.answer().status, status, "{path}");
        document::lists("POST", path, status);
        raw.send("GET /healthz HTTP/1.1\r\nhost: kanca\r\n\r\n");
        assert_eq!(raw.answer().status, 200, "the connection goes on");
    }
}
