//! What an inbox answers, and what its answer can never do.

use crate::support::{Answer, Server, text};
use serde_json::{Value, json};

fn inbox_answering(server: &Server, response: &Value) -> Answer {
    let inbox = server.api().create_inbox(&json!({"response": response}));
    let address = text(&inbox["url"]);
    let path = address.strip_prefix(&server.origin()).unwrap();
    let answer = server.api_as(None).send("POST", path, &[], Some(b"x"));
    assert_protected(&answer);
    answer
}

#[track_caller]
fn assert_protected(answer: &Answer) {
    assert_eq!(answer.header("content-security-policy"), Some("sandbox; default-src 'none'"), "{answer:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn the_configured_answer_goes_out_with_protection() {
    let server = Server::start();
    let html = json!({"status": 202, "headers": {"Content-Type": "text/html", "x-mine": "1"}, "body": "<h1>hi</h1>"});
    let answer = inbox_answering(&server, &html);
    assert_eq!((answer.status, answer.text().as_str()), (202, "<h1>hi</h1>"));
    assert_eq!((answer.header("content-type"), answer.header("x-mine")), (Some("text/html"), Some("1")));

    let json_by_itself = inbox_answering(&server, &json!({"body": "{\"messages\":[]}"}));
    assert_eq!(json_by_itself.header("content-type"), Some("application/json"));
    let plain = inbox_answering(&server, &json!({"body": "thanks"}));
    assert_eq!(plain.header("content-type"), Some("text/plain; charset=utf-8"));
    for status in [200, 204, 301, 304, 404, 418, 429, 500, 599] {
        assert_eq!(inbox_answering(&server, &json!({"status": status})).status, status);
    }
}

#[test]
fn refusals_are_protected_too() {
    let server = Server::start();
    server.api().create_inbox(&json!({"slug": "box"}));
    assert_protected(&server.api_as(None).send("POST", "/in/nobody", &[], None));
    assert_protected(&server.api_as(None).send("POST", "/in/box", &[], Some(&vec![b'x'; 11 << 20])));
    assert_protected(&server.api_as(None).send("POST", "/in/box", &[("kanca-hops", "9")], None));
}

#[test]
fn headers_that_act_on_the_whole_origin_are_refused() {
    let server = Server::start();
    for name in [
        "Set-Cookie",
        "service-worker-allowed",
        "Clear-Site-Data",
        "Strict-Transport-Security",
        "Access-Control-Allow-Credentials",
        "Content-Security-Policy",
        "X-Content-Type-Options",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "bad name",
    ] {
        let input = json!({"response": {"status": 200, "headers": {name: "x"}}});
        let problem = server.api().post("/inboxes", &input).expect_problem(422);
        assert_eq!(problem["errors"][0]["field"], "response", "{name}: {problem}");
    }
    for value in ["a\r\nset-cookie: x=1", "a\nb", "\0"] {
        let input = json!({"response": {"headers": {"x-a": value}}});
        server.api().post("/inboxes", &input).expect_problem(422);
    }
    for status in [100, 101, 199, 600] {
        server.api().post("/inboxes", &json!({"response": {"status": status}})).expect_problem(422);
    }
}

#[test]
fn a_changed_answer_and_address_are_in_force_at_once() {
    let server = Server::start();
    let api = server.api();
    let inbox = api.create_inbox(&json!({"slug": "first", "name": "Mine"}));
    let path = format!("/inboxes/{}", text(&inbox["id"]));
    api.patch(&path, &json!({"response": {"status": 201, "body": "new"}})).expect(200);
    assert_eq!(api.send("GET", "/in/first", &[], None).text(), "new");
    let moved = api.patch(&path, &json!({"slug": "second"})).expect(200);
    assert_eq!(moved["url"], format!("{}/in/second", server.origin()));
    api.send("GET", "/in/first", &[], None).expect_problem(404);
    assert_eq!(api.send("GET", "/in/second", &[], None).status, 201);
    api.post("/inboxes", &json!({"slug": "second"})).expect_problem(409);
    api.delete(&path).expect(204);
    api.send("GET", "/in/second", &[], None).expect_problem(404);
    api.create_inbox(&json!({"slug": "second"}));
}
