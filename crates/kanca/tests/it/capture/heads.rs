//! Request lines and headers as they were sent.

use crate::support::{Raw, Server, text};
use serde_json::{Value, json};

/// A server with the inbox `box`, and what it captured of one raw request.
struct Story {
    server: Server,
    inbox: Value,
}

impl Story {
    fn begin() -> Self {
        let server = Server::start();
        let inbox = server.api().create_inbox(&json!({"slug": "box"}));
        Self { server, inbox }
    }

    /// Sends it on a connection of its own and returns what was captured.
    #[track_caller]
    fn capture(&self, request: &[u8]) -> Value {
        let before = self.server.api().captured(&self.inbox).len();
        let answer = Raw::connect(self.server.address()).send(request).answer();
        assert_eq!(answer.status, 200, "{:?} {answer:?}", String::from_utf8_lossy(request));
        assert_eq!(self.server.api().captured(&self.inbox).len(), before + 1);
        self.server.api().newest_captured(&self.inbox)
    }
}

#[test]
fn repeated_headers_keep_their_order_casing_and_values() {
    let story = Story::begin();
    let captured = story.capture(
        b"POST /in/box HTTP/1.1\r\nHost: example.test\r\nX-One: 1\r\nx-ONE: 2\r\nX-Empty:\r\nx-spaces: \t a  b \t\r\n\
          X-One: 3\r\nx-latin: caf\xe9\r\nx-utf8: \xc5\x9f\r\nContent-Length: 0\r\nX-Last::colon\r\n\r\n",
    );
    let expected = json!([
        ["Host", "example.test"],
        ["X-One", "1"],
        ["x-ONE", "2"],
        ["X-Empty", ""],
        ["x-spaces", "a  b"],
        ["X-One", "3"],
        ["x-latin", "caf\u{e9}"],
        ["x-utf8", "ş"],
        ["Content-Length", "0"],
        ["X-Last", ":colon"]
    ]);
    assert_eq!(captured["headers"], expected);
}

#[test]
fn targets_are_kept_raw() {
    let story = Story::begin();
    for target in [
        "/in/box",
        "/in/box/",
        "/in/box//double//slash",
        "/in/box/%C5%9F/%2f/%2e%2e/x",
        "/in/box/a%20b+c",
        "/in/box?",
        "/in/box?query=only&query=twice",
        "/in/box?x=%zz",
        "/in/box/%zz",
        "/in/box?a=b?c=d",
        "/in/box/;p=1,2",
        "/in/box/'(|)*!$^\\~",
        "/in/box?[]|^\\'",
        "/in/box/../box/./x",
        "/in/box?a#fragment",
        "http://other.test/in/box/absolute?x=1",
    ] {
        let captured = story.capture(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(captured["target"], target);
        assert_eq!(captured["method"], "GET");
    }
    let captured = story.capture("GET /in/box/ş?ğ=ü HTTP/1.1\r\nHost: x\r\n\r\n".as_bytes());
    assert_eq!(captured["target"], "/in/box/ş?ğ=ü");
}

#[test]
fn any_method_is_captured() {
    let story = Story::begin();
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "MKCALENDAR", "M-SEARCH", "x!odd~"]
    {
        let captured = story.capture(format!("{method} /in/box/m HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(captured["method"], method);
    }
}

#[test]
fn head_is_captured_and_answered_without_a_body() {
    let story = Story::begin();
    let answer = story.server.api().send("HEAD", "/in/box", &[], None);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(story.server.api().newest_captured(&story.inbox)["method"], "HEAD");
}

#[test]
fn http_1_0_and_bare_line_feeds_are_captured() {
    let story = Story::begin();
    let captured = story.capture(b"POST /in/box/old HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!((&captured["target"], &captured["body"]), (&json!("/in/box/old"), &json!("aGk=")));
    let captured = story.capture(b"\r\nPOST /in/box/bare HTTP/1.1\nHost: x\nX-Name: v\nContent-Length: 0\n\n");
    assert_eq!(captured["headers"], json!([["Host", "x"], ["X-Name", "v"], ["Content-Length", "0"]]));
}

#[test]
fn requests_on_one_connection_are_kept_apart() {
    let story = Story::begin();
    let mut connection = Raw::connect(story.server.address());
    for n in 0..5 {
        let request = format!("POST /in/box/{n} HTTP/1.1\r\nHost: x\r\nX-Number: {n}\r\nContent-Length: 1\r\n\r\n{n}");
        assert_eq!(connection.send(request).answer().status, 200);
        // Something else in between on the same connection.
        assert_eq!(connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").answer().body, b"ok\n");
    }
    let all = story.server.api().captured(&story.inbox);
    assert_eq!(all.len(), 5);
    for (captured, n) in all.iter().rev().zip(0..) {
        let path = format!("/inboxes/{}/requests/{}", text(&story.inbox["id"]), text(&captured["id"]));
        let detail = story.server.api().get(&path).expect(200);
        assert_eq!(detail["target"], format!("/in/box/{n}"));
        assert_eq!(detail["headers"][1], json!(["X-Number", n.to_string()]));
    }
}

#[test]
fn pipelined_requests_lose_nothing() {
    let story = Story::begin();
    let mut connection = Raw::connect(story.server.address());
    let all: Vec<String> = (0..6)
        .map(|n| {
            let head = format!("PUT /in/box/{n}?q=%zz HTTP/1.1\r\nHost: x\r\nX-Tag: {n}\r\nX-Tag: b{n}\r\n");
            format!("{head}Content-Length: 3\r\n\r\nb{n}\n")
        })
        .collect();
    connection.send(all.concat());
    for _ in 0..6 {
        assert_eq!(connection.answer().status, 200);
    }
    let captured = story.server.api().captured(&story.inbox);
    let targets: Vec<String> = captured.iter().rev().map(|r| text(&r["target"])).collect();
    assert_eq!(targets, (0..6).map(|n| format!("/in/box/{n}?q=%zz")).collect::<Vec<_>>());
    for (row, n) in captured.iter().rev().zip(0..) {
        let path = format!("/inboxes/{}/requests/{}", text(&story.inbox["id"]), text(&row["id"]));
        let detail = story.server.api().get(&path).expect(200);
        let expected =
            json!([["host", "x"], ["x-tag", n.to_string()], ["x-tag", format!("b{n}")], ["content-length", "3"]]);
        let lower: Vec<Value> = detail["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| json!([text(&pair[0]).to_lowercase(), pair[1]]))
            .collect();
        assert_eq!(json!(lower), expected);
    }
}

#[test]
fn only_kancas_own_cookie_is_taken_out() {
    let story = Story::begin();
    let captured = story.capture(
        b"GET /in/box HTTP/1.1\r\nHost: x\r\nCookie: a=1; kanca_session=secret; b=2\r\nCookie: kanca_session=alone\r\n\r\n",
    );
    assert_eq!(captured["headers"], json!([["Host", "x"], ["Cookie", "a=1; b=2"]]));
}

#[test]
fn what_is_no_inbox_is_not_found() {
    let server = Server::start();
    for target in ["/in", "/in/", "/in/nobody", "/in//box", "/in/..%2f", "/in/box%2f", "/in/BOX"] {
        server.api_as(None).send("POST", target, &[], Some(b"x")).expect_problem(404);
    }
}
