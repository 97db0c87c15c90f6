//! What services answer, and what the bot makes of it.

use super::*;
use serde_json::json;

fn mappings(list: &[(&str, &str)]) -> Vec<Mapping> {
    list.iter().map(|(path, name)| Mapping { path: (*path).into(), attribute: (*name).into() }).collect()
}

fn ok(content_type: Option<&str>, body: &str) -> WebhookOutcome {
    parse(200, content_type, body.as_bytes(), &[])
}

fn mapped(content_type: &str, body: &str, list: &[(&str, &str)]) -> WebhookOutcome {
    parse(200, Some(content_type), body.as_bytes(), &mappings(list))
}

#[test]
fn statuses_are_classified() {
    for status in [200, 201, 204, 299] {
        assert_eq!(classify(status), Class::Success, "{status}");
    }
    for status in [400, 401, 403, 404, 410, 422, 451, 499] {
        assert_eq!(classify(status), Class::ClientError, "{status}");
    }
    for status in [100, 301, 302, 304, 408, 425, 429, 500, 502, 503, 599] {
        assert_eq!(classify(status), Class::Retry, "{status}");
    }
}

#[test]
fn an_object_with_messages_attributes_or_end_is_an_instruction_whatever_its_content_type() {
    let body = r#"{"messages":[{"type":"text","text":"Your order is on its way."}],"attributes":{"status":"shipped","n":3},"end":true}"#;
    for content_type in [Some("application/json"), Some("text/plain"), Some("text/html"), Some("application/xml"), None]
    {
        let outcome = ok(content_type, body);
        assert_eq!(outcome.port, WebhookPort::Success);
        assert_eq!(outcome.messages, ["Your order is on its way."]);
        assert_eq!(Value::Object(outcome.attributes), json!({"status": "shipped", "n": 3}));
        assert!(outcome.end && outcome.notes.is_empty());
        assert_eq!(outcome.body, body);
    }
}

#[test]
fn what_the_bot_cannot_use_is_left_out_with_a_note() {
    let body = json!({"messages": ["hello", {"type": "image", "url": "x"}, {"type": "text"}, {"type": "text", "text": "Hi"}],
        "attributes": {"message": "x", "webhook.status": 1, "1x": 2, "big": "x".repeat(9000), "good": [1]}, "end": "yes"});
    let outcome = ok(None, &body.to_string());
    assert_eq!(outcome.messages, ["Hi"]);
    assert_eq!(Value::Object(outcome.attributes), json!({"good": [1]}));
    assert!(!outcome.end);
    assert_eq!(outcome.notes.len(), 8);
    let outcome = ok(None, r#"{"messages":5,"attributes":[]}"#);
    assert_eq!((outcome.port, outcome.notes.len()), (WebhookPort::Success, 2));
}

#[test]
fn messages_are_plain_text_within_limits() {
    let many: Vec<Value> = (0..12).map(|n| json!({"type": "text", "text": format!("m{n}")})).collect();
    let outcome = ok(None, &json!({ "messages": many }).to_string());
    assert_eq!((outcome.messages.len(), outcome.notes.len()), (10, 1));
    let outcome = ok(None, &json!({"messages": [{"type": "text", "text": "ş".repeat(5000)}]}).to_string());
    assert_eq!((outcome.messages[0].chars().count(), outcome.notes.len()), (4000, 1));
    let outcome = ok(Some("text/plain"), "a\u{0}\u{1b}[1m\tb\r\nc <b>{{name}}</b>");
    assert_eq!(outcome.messages, ["a[1m\tb\nc <b>{{name}}</b>"]);
}

#[test]
fn plain_text_is_said() {
    assert_eq!(ok(Some("text/plain; charset=utf-8"), " Merhaba! ").messages, ["Merhaba!"]);
    assert_eq!(ok(Some("TEXT/PLAIN"), "42").messages, ["42"]);
    assert_eq!(ok(Some("text/plain"), r#"{"a":1}"#).messages, [r#"{"a":1}"#]);
    let outcome = parse(200, Some("text/plain; charset=ISO-8859-9"), b"Sipari\xfe \xddptal", &[]);
    assert_eq!(outcome.messages, ["Sipariş İptal"]);
}

#[test]
fn html_and_unknown_content_is_never_said() {
    for (content_type, body) in [
        (Some("text/html"), "<h1>Hello</h1>"),
        (Some("application/xhtml+xml"), "<html/>"),
        (Some("application/octet-stream"), "hello"),
        (None, "hello"),
        (Some("application/json"), r#""hello""#),
    ] {
        let outcome = ok(content_type, body);
        assert_eq!((outcome.port, outcome.messages.len()), (WebhookPort::Success, 0), "{content_type:?}");
    }
}

#[test]
fn an_empty_answer_is_a_success() {
    for content_type in [Some("application/json"), Some("text/xml"), None] {
        for body in ["", "  \r\n"] {
            let outcome = ok(content_type, body);
            assert_eq!((outcome.port, outcome.messages.len(), outcome.error), (WebhookPort::Success, 0, None));
        }
    }
}

#[test]
fn json_is_mapped_by_paths() {
    let body = r#"{"order":{"status":"shipped","items":[{"n":"a"}]},"total":12.5}"#;
    let list = [("$.order.status", "status"), ("$.order.items[0].n", "first"), ("$['total']", "total"), ("$.no", "no")];
    let outcome = mapped("application/json", body, &list);
    assert_eq!(Value::Object(outcome.attributes), json!({"status": "shipped", "first": "a", "total": 12.5}));
    assert_eq!(outcome.notes, ["The answer has nothing at $.no."]);
    let outcome = mapped("application/json", "[5,6]", &[("$[1]", "x"), ("$[0]", "message")]);
    assert_eq!((Value::Object(outcome.attributes), outcome.notes.len()), (json!({"x": 6}), 1));
    assert_eq!(mapped("text/plain", body, &list).messages.len(), 0, "mapped, so not said");
    let outcome = mapped("application/json", r#"{"messages":[],"id":7}"#, &[("$.id", "id")]);
    assert_eq!(Value::Object(outcome.attributes), json!({"id": 7}));
}

#[test]
fn xml_is_mapped_by_paths() {
    let body = r#"<order no="7"><status lang="tr">Yolda</status><item>a</item><item>b</item></order>"#;
    let list = [
        ("$.order.status", "status"),
        ("$.order.@no", "no"),
        ("$.order.item[1]", "second"),
        ("$.order.status[0]", "s"),
    ];
    for content_type in
        ["application/xml; charset=utf-8", "text/xml", "application/soap+xml", "application/octet-stream"]
    {
        let outcome = mapped(content_type, body, &list);
        let expected = json!({"status": "Yolda", "no": "7", "second": "b", "s": "Yolda"});
        assert_eq!(Value::Object(outcome.attributes), expected, "{content_type}");
    }
}

#[test]
fn labelled_content_that_does_not_parse_is_a_server_error_with_the_reason() {
    for (content_type, body, reason) in [
        ("application/json", "{\"a\":", "labelled JSON"),
        ("application/problem+json", "oops", "labelled JSON"),
        ("text/xml", "<a>", "labelled XML"),
        ("application/xml", "<!DOCTYPE a><a/>", "document type"),
    ] {
        let outcome = ok(Some(content_type), body);
        assert_eq!(outcome.port, WebhookPort::ServerError, "{body}");
        assert!(outcome.error.unwrap().contains(reason), "{body}");
        assert_eq!(outcome.status, Some(200));
    }
}

#[test]
fn an_error_answers_body_is_kept_but_not_said() {
    for (status, port) in
        [(404, WebhookPort::ClientError), (429, WebhookPort::ServerError), (500, WebhookPort::ServerError)]
    {
        let body = r#"{"messages":[{"type":"text","text":"x"}],"attributes":{"a":1}}"#;
        let outcome = parse(status, Some("application/json"), body.as_bytes(), &mappings(&[("$.attributes.a", "b")]));
        assert_eq!((outcome.port, outcome.messages.len(), outcome.attributes.len()), (port, 0, 0));
        assert_eq!(outcome.body, body);
        assert_eq!(outcome.error, Some(format!("the service answered with status {status}")));
    }
}

#[test]
fn the_kept_body_is_at_most_8_kib() {
    let outcome = ok(None, &"ş".repeat(9000));
    assert_eq!(outcome.body.len(), 8192);
}
