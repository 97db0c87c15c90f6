//! The shape of bodies: what came in goes out, in the endpoint's format.

use crate::support::{Receiver, Server};
use serde_json::json;

/// Publishes `data` as it is written and returns what an endpoint of this format got.
fn sent(format: &str, data: &str) -> crate::support::Received {
    let server = Server::start();
    let receiver = Receiver::start();
    server.api().create_endpoint_with(&receiver.url(), json!({"format": format}));
    let event = format!(r#"{{"type":"order.paid","timestamp":"2026-11-24T09:30:00Z","data":{data}}}"#);
    server.api().send_text("POST", "/events", &event).expect(202);
    receiver.wait_for(1).remove(0)
}

#[test]
fn json_keeps_key_order_number_texts_and_escapes() {
    let data =
        r#"{"z":1.50,"a":{"n":12345678901234567890123,"e":1E+2,"m":-0.0},"u":"\u00e7\/ç","list":[null,true,{}],"":""}"#;

    let received = sent("json", data);

    assert_eq!(received.header("content-type"), "application/json");
    let body = format!(r#"{{"type":"order.paid","timestamp":"2026-11-24T09:30:00Z","data":{data}}}"#);
    assert_eq!(received.text(), body);
}

#[test]
fn any_json_value_is_data() {
    for data in ["null", "0", "\"text\"", "[]", "{}", "false", "1e999"] {
        assert!(sent("json", data).text().ends_with(&format!(r#""data":{data}}}"#)), "{data}");
    }
}

#[test]
fn xml_is_well_formed_whatever_the_data() {
    let data =
        r#"{"a b":"<&>\"' ]]>","1st":[1,[2,null]],"\u0000":"\u0000\u000b\ufffe\ud83d\ude00","xml":true,"":"ş\r\n\t"}"#;

    let received = sent("xml", data);

    assert_eq!(received.header("content-type"), "application/xml; charset=utf-8");
    let forbidden =
        |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    assert!(!received.text().contains(forbidden), "{}", received.text());
    let mut reader = quick_xml::Reader::from_str(received.text());
    reader.config_mut().check_end_names = true;
    let mut elements = 0;
    loop {
        match reader.read_event().unwrap_or_else(|e| panic!("{e}: {}", received.text())) {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(_) | quick_xml::events::Event::Empty(_) => elements += 1,
            _ => {}
        }
    }
    assert!(elements > 10, "{}", received.text());
    assert!(received.text().contains("order.paid") && received.text().contains("2026-11-24T09:30:00Z"));
}

#[test]
fn form_fields_are_nested_in_brackets() {
    let received = sent("form", r#"{"user":{"name":"Ada & Co"},"items":["a",{"id":1.50}],"none":null}"#);

    assert_eq!(received.header("content-type"), "application/x-www-form-urlencoded");
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&received.body).into_owned().collect();
    let value = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(value("type"), Some("order.paid"));
    assert_eq!(value("timestamp"), Some("2026-11-24T09:30:00Z"));
    assert_eq!(value("data[user][name]"), Some("Ada & Co"));
    assert_eq!(value("data[items][0]"), Some("a"));
    assert_eq!(value("data[items][1][id]"), Some("1.50"));
}

#[test]
fn data_may_be_128_deep_and_no_deeper() {
    let server = Server::start();
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        server.api().send_text("POST", "/events", &format!(r#"{{"type":"deep","data":{open}{close}}}"#))
    };
    nested(128).expect(202);
    nested(129).expect_problem(422);
    nested(100_000).expect_problem(422);
}
